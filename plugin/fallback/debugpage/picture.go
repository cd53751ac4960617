package debugpage

import (
	"fmt"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// rect is a bar of a picture, in the units of its viewBox.
type rect struct {
	Class      string
	X, Y, W, H float64
}

// drawing is a picture and what it says.
type drawing struct {
	Label string
	Width float64
	Rects []rect
}

// The viewBox of a sparkline: bars that answered stand on the line, those that failed hang
// from it.
const (
	sparkWidth = 120
	sparkLine  = 24
	sparkBelow = 8
)

// sparkline draws the steps of a window.
func sparkline(s stats) drawing {
	most, total, failed, latest := uint32(0), uint32(0), 0, -1
	for i, b := range s.bars {
		most = max(most, b.ok, b.failed)
		total += b.ok + b.failed
		if b.failed > 0 {
			failed++
			latest = i
		}
	}
	d := drawing{Width: sparkWidth, Label: fmt.Sprintf("%s: none", count(s.Minutes, "minute", "minutes"))}
	if total == 0 {
		return d
	}
	step := sparkWidth / float64(len(s.bars))
	for i, b := range s.bars {
		x, w := round(float64(i)*step), round(step*0.75)
		if b.ok > 0 {
			h := round(max(1.5, sparkLine*float64(b.ok)/float64(most)))
			d.Rects = append(d.Rects, rect{"bar-ok", x, sparkLine - h, w, h})
		}
		if b.failed > 0 {
			d.Rects = append(d.Rects, rect{"bar-failed", x, sparkLine + 1, w, round(max(2, (sparkBelow-1)*float64(b.failed)/float64(most)))})
		}
	}
	d.Label = fmt.Sprintf("%s in steps of %s: at most %d in one", count(s.Minutes, "minute", "minutes"), shownWait(s.step), most)
	if failed > 0 {
		d.Label += fmt.Sprintf("; failures in %s, the latest %s ago", count(failed, "step", "steps"), shownWait(time.Duration(len(s.bars)-latest)*s.step))
	}
	return d
}

func round(f float64) float64 { return float64(int(f*100+0.5)) / 100 }

// timeline draws the attempts of a call after each other: what it waited before each, and how
// long each took. An attempt beside another one ends with it.
func timeline(c callState) drawing {
	type interval struct{ from, to float64 }
	spans := make([]interval, len(c.Attempts))
	end, total := 0.0, c.Duration
	for i, a := range c.Attempts {
		from := end + a.Wait
		if i > 0 && (a.Hedge || c.Attempts[i-1].Hedge) {
			from = max(0, end-a.Duration)
		}
		spans[i] = interval{from, from + a.Duration}
		end = max(end, spans[i].to)
		total = max(total, end)
	}
	d := drawing{Width: 100}
	if total <= 0 {
		total = 1
	}
	var words []string
	var skipped []rect
	for i, a := range c.Attempts {
		words = append(words, attemptWords(a))
		x := min(round(100*spans[i].from/total), 99)
		if a.Outcome != call.OK && a.Outcome != call.Failed {
			skipped = append(skipped, rect{"bar-skipped", x, 0, 1, 12})
			continue
		}
		if a.Wait > 0 && !a.Hedge {
			d.Rects = append(d.Rects, rect{"bar-wait", round(100 * (spans[i].from - a.Wait) / total), 5, round(100 * a.Wait / total), 2})
		}
		class := "bar-ok"
		switch {
		case a.Outcome == call.Failed && notTheTargets[a.Kind]:
			class = "bar-stopped"
		case a.Outcome == call.Failed:
			class = "bar-failed"
		}
		d.Rects = append(d.Rects, rect{class, x, 1, min(round(max(1, 100*a.Duration/total)), 100-x), 10})
	}
	d.Rects = append(d.Rects, skipped...) // on top: they take no time
	d.Label = strings.Join(words, ", then ")
	return d
}

func attemptWords(a attemptState) string {
	s := a.Model
	switch a.Outcome {
	case call.OK:
		s += " answered"
	case call.Failed:
		s += " failed"
		if notTheTargets[a.Kind] {
			s = a.Model + " was stopped"
		}
	default:
		s += " was " + string(a.Outcome)
	}
	if a.Duration > 0 {
		s += " after " + shownMillis(a.Duration)
	}
	return s
}

// branch is a part of the picture of a tree: the layers around something, and that: a model or
// a group of members.
type branch struct {
	Layers  []layer
	Name    string // of a model, or of what a group is
	Group   bool
	Model   string // after which a group is named
	Members []branch
	More    int // members that are not drawn
}

// layer is a layer around a model, with its state in words.
type layer struct {
	Name, State string
	Bad         bool
}

// Bounds of the picture.
const (
	maxDepth   = 12
	maxMembers = 64
)

// branchOf draws a tree.
func branchOf(n inspect.Node) branch { return branchAt(&n, 0) }

func branchAt(n *inspect.Node, depth int) branch {
	var b branch
	for len(n.Inner) == 1 && n.Hedge == nil && n.Split == nil {
		b.Layers = append(b.Layers, layerOf(n))
		n = &n.Inner[0]
	}
	if len(n.Inner) == 0 {
		b.Name = n.Name
		if n.Layer != "model" {
			b.Layers = append(b.Layers, layerOf(n))
		}
		return b
	}
	b.Group, b.Name, b.Model = true, n.Layer, n.Name
	if l := layerOf(n); l.State != "" {
		b.Layers = append(b.Layers, l)
	}
	drawn := min(len(n.Inner), maxMembers)
	if depth == maxDepth {
		drawn = 0
	}
	for i := range drawn {
		b.Members = append(b.Members, branchAt(&n.Inner[i], depth+1))
	}
	b.More = len(n.Inner) - drawn
	return b
}

func layerOf(n *inspect.Node) layer {
	l := layer{Name: n.Layer}
	switch {
	case n.Breaker != nil:
		l.State = strings.ReplaceAll(string(n.Breaker.State), "_", " ")
		l.Bad = n.Breaker.State != inspect.Closed
	case n.Limit != nil && n.Limit.MaxConcurrent > 0:
		l.State = fmt.Sprintf("%d of %d in flight", n.Limit.InFlight, n.Limit.MaxConcurrent)
	case n.Limit != nil && n.Limit.InFlight > 0:
		l.State = fmt.Sprintf("%d in flight", n.Limit.InFlight)
	case n.Policy != nil && n.Policy.File != "":
		l.State, l.Bad = n.Policy.File, n.Policy.Problem != ""
	case n.Hedge != nil:
		l.State = "after " + shownMillis(ms(n.Hedge.Delay))
	case n.Split != nil:
		l.State = n.Split.Experiment
	}
	return l
}

// capacity has the states of a tree by kind, for the tables of the page.
type capacity struct {
	Budgets, Caches, Limits, Retries, Hedges, Splits []*inspect.Node
}

// None reports whether there is nothing to show.
func (c capacity) None() bool {
	return len(c.Budgets)+len(c.Caches)+len(c.Limits)+len(c.Retries)+len(c.Hedges)+len(c.Splits) == 0
}

// capacityOf returns each state of the trees once.
func capacityOf(models []inspect.Node) (c capacity) {
	all := inspect.Node{Inner: models} // one tree, because models may share a budget
	for n := range all.States() {
		switch {
		case n.Budget != nil:
			c.Budgets = append(c.Budgets, n)
		case n.Cache != nil:
			c.Caches = append(c.Caches, n)
		case n.Limit != nil:
			c.Limits = append(c.Limits, n)
		case n.Retry != nil:
			c.Retries = append(c.Retries, n)
		case n.Hedge != nil:
			c.Hedges = append(c.Hedges, n)
		case n.Split != nil:
			c.Splits = append(c.Splits, n)
		}
	}
	return c
}
