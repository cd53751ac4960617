package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// limit is the ratio above which a row needs a reason: less is noise.
const limit = 1.05

const head = `# Benchmarks

What a model call costs with this module and with the alternatives. ` + "`go run ./table`" + ` in
[plugin_test/peers](../plugin_test/peers) measures it and writes this page; the README there says what each peer does.

- A time is the processor time that the whole process uses for one call, garbage collection included. Over HTTP it includes the server.
- A ratio is adk-fallback's time divided by the peer's: the median of several rounds, in which the peers take turns. Below 1, adk-fallback
  costs less. Compare ratios, not times of different runs.
- *cannot* names the feature that the peer lacks for the call. *in memory* means that it calls models only over HTTP; *client* means that
  it has no client for chat completions.

`

func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString(head)
	r.machine(&b)
	r.table(&b, "In memory", "The targets answer from memory, so only the layers cost time. Each cell has the time, the allocations and the ratio.", false)
	r.table(&b, "Over loopback HTTP", "The targets are a plain `net/http` server in the same process that speaks OpenAI's chat completions. Each cell has the time and the ratio.", true)
	r.growth(&b)
	r.above(&b)
	return b.String()
}

// table writes the rows in memory, or those over HTTP.
func (r *report) table(b *strings.Builder, title, text string, wire bool) {
	if !slices.ContainsFunc(r.lines, func(l line) bool { return l.Wire == wire }) {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", title, text)
	r.header(b, "call")
	for _, l := range r.lines {
		if l.Wire != wire {
			continue
		}
		fmt.Fprintf(b, "| %s |", l.Name)
		for i, c := range l.cells {
			fmt.Fprintf(b, " %s |", c.text(wire, r.peers[i].Name))
		}
		b.WriteString("\n")
	}
}

func (r *report) header(b *strings.Builder, first string) {
	fmt.Fprintf(b, "| %s |", first)
	for _, peer := range r.peers {
		fmt.Fprintf(b, " %s |", peer.Name)
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(r.peers)+1) + "\n")
}

func (c cell) text(wire bool, peer string) string {
	if c.cannot != "" {
		return "cannot: " + string(c.cannot)
	}
	parts := []string{duration(c.cpu)}
	if !wire {
		parts = append(parts, fmt.Sprintf("%.0f", c.allocations))
	}
	if peer != peers.Ours {
		parts = append(parts, fmt.Sprintf("**%.2f ×**", c.ratio))
	}
	return strings.Join(parts, ", ")
}

// duration writes nanoseconds with two or three significant digits.
func duration(ns float64) string {
	switch {
	case ns < 9950:
		return fmt.Sprintf("%.1f µs", ns/1e3)
	case ns < 995e3:
		return fmt.Sprintf("%.0f µs", ns/1e3)
	case ns < 9.95e6:
		return fmt.Sprintf("%.1f ms", ns/1e6)
	}
	return fmt.Sprintf("%.0f ms", ns/1e6)
}

// grown are the pairs of rows that show how the cost of a call grows.
var grown = []struct{ what, from, to string }{
	{"history: 10 → 1,000 messages", "10 messages", "1,000 messages"},
	{"tools: 0 → 64", "healthy call", "64 tools"},
	{"prompt: 1 KB → 1 MB", "prompt of 1 KB", "prompt of 1 MB"},
	{"stream: 10 → 10,000 chunks", "stream of 10", "stream of 10,000"},
	{"resumed stream: 2,500 → 10,000 chunks", "stream of 2,500, broken and resumed", "stream of 10,000, broken and resumed"},
	{"targets: 2 → 16, all but the last failing", "failover on 503", "16 targets, 15 failing"},
	{"goroutines: 1 → 1,000", "healthy call", "1,000 goroutines"},
}

// growth writes the time of the second call of each pair, divided by that of the first.
func (r *report) growth(b *strings.Builder) {
	line := func(name string, wire bool) *line {
		i := slices.IndexFunc(r.lines, func(l line) bool { return l.Name == name && l.Wire == wire })
		if i < 0 {
			return nil
		}
		return &r.lines[i]
	}
	var rows strings.Builder
	for _, wire := range []bool{false, true} {
		for _, g := range grown {
			from, to := line(g.from, wire), line(g.to, wire)
			if from == nil || to == nil {
				continue
			}
			fmt.Fprintf(&rows, "| %s, %s |", g.what, place(wire))
			for i, c := range to.cells {
				if c.cannot != "" {
					fmt.Fprintf(&rows, " cannot: %s |", c.cannot)
				} else {
					fmt.Fprintf(&rows, " × %.3g |", c.cpu/from.cells[i].cpu)
				}
			}
			rows.WriteString("\n")
		}
	}
	if rows.Len() > 0 {
		b.WriteString("\n## Growth\n\nThe time of the second call divided by that of the first, for each peer.\n\n")
		r.header(b, "from → to")
		b.WriteString(rows.String())
	}
}

// above writes the rows in which an alternative costs less. Rows with the same reason are
// one line.
func (r *report) above(b *strings.Builder) {
	type group struct {
		reason
		calls []string
	}
	var groups []*group
	for _, l := range r.lines {
		for i, peer := range r.peers {
			c := l.cells[i]
			if !peer.Alternative || c.ratio <= limit {
				continue
			}
			why := reasonFor(l.Row, peer.Name)
			at := slices.IndexFunc(groups, func(g *group) bool { return g.peer == peer.Name && g.wire == l.Wire && g.why == why.why })
			if at < 0 {
				at = len(groups)
				groups = append(groups, &group{reason: why})
			}
			groups[at].calls = append(groups[at].calls, fmt.Sprintf("%s %.2f ×", l.Name, c.ratio))
		}
	}
	b.WriteString("\n## Where adk-fallback costs more\n\n")
	if len(groups) == 0 {
		fmt.Fprintf(b, "No call of these tables costs more than %.2f × an alternative.\n", limit)
		return
	}
	fmt.Fprintf(b, "These calls have a ratio above %.2f to an alternative. `net/http`, which decodes nothing, and the policy file, which is\nadk-fallback itself, are not alternatives.\n\n", limit)
	b.WriteString("| peer | | calls | why |\n|---|---|---|---|\n")
	for _, g := range groups {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", g.peer, place(g.wire), strings.Join(g.calls, "<br>"), g.why)
	}
}

// place says where the targets of a row are.
func place(wire bool) string {
	if wire {
		return "over HTTP"
	}
	return "in memory"
}

// machine writes what the figures depend on.
func (r *report) machine(b *strings.Builder) {
	fmt.Fprintf(b, "Measured with %s on %s/%s, %d × %s.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cmp.Or(processor(), "a processor of unknown name"))
	b.WriteString("| module | version |\n|---|---|\n")
	modules := []string{"google.golang.org/adk/v2", "google.golang.org/genai"}
	for _, peer := range r.peers {
		if peer.Module != "" {
			modules = append(modules, peer.Module)
		}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, module := range modules {
		for _, dep := range info.Deps {
			if dep.Path == module {
				fmt.Fprintf(b, "| %s | %s |\n", module, dep.Version)
			}
		}
	}
}

// processor returns the processor's name on Linux, or "" if it is unknown.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return ""
}
