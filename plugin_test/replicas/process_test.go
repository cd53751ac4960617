package replicas_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// childEnv makes the test binary a replica; its value is a setting as JSON.
const childEnv = "REPLICAS_TEST_CHILD"

// setting is what a replica needs to know.
type setting struct {
	URL            string
	Lease, Timeout time.Duration // see state.Config
}

// order is what a replica shall do; report is its answer.
type order struct {
	Do      string
	Key     string
	Limit   int64         // of a bucket per minute, or an account
	N       int           // how much, or how many
	Callers int           // at once
	For     time.Duration // how long
}

type report struct {
	Err   string
	N     int64          // admitted, reserved, spent or known replicas
	Lost  bool           // whether the server was gone meanwhile
	Began int64          // wall clock in nanoseconds, as all times here
	Ended int64          //
	Times []int64        // when flags were raised or seen, 0 for not yet
	Took  [kinds][]int64 // how long the calls of a load took, by kind
}

// process is a replica.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	orders  *json.Encoder
	reports *json.Decoder
	mu      sync.Mutex // one order at a time
	ended   bool       // guarded by mu
}

func start(t *testing.T, s setting) *process {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	p.cmd.Stderr = &lines{log: t.Logf}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.orders, p.reports = json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))
	t.Cleanup(p.kill)
	return p
}

// starts starts some replicas and waits until they know each other.
func starts(t *testing.T, n int, s setting) []*process {
	t.Helper()
	all := make([]*process, n)
	for i := range all {
		all[i] = start(t, s)
	}
	within(t, 30*time.Second, fmt.Sprint(n, " replicas know each other"), func() bool {
		for _, p := range all {
			if p.do(order{Do: "replicas"}).N != int64(n) {
				return false
			}
		}
		return true
	})
	return all
}

// do orders something and waits for the report.
func (p *process) do(o order) report {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var r report
	if err := p.orders.Encode(o); err != nil {
		p.t.Errorf("%s: %v", o.Do, err)
	} else if err := p.reports.Decode(&r); err != nil {
		p.t.Errorf("%s: %v", o.Do, err)
	}
	return r
}

// each orders something of all at once.
func each(all []*process, orders func(i int) order) []report {
	reports := make([]report, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { reports[i] = p.do(orders(i)) })
	}
	wg.Wait()
	return reports
}

// kill is kill -9.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended = true
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// lines writes what a process says to the test's log.
type lines struct {
	log  func(string, ...any)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for i := 0; i < len(l.rest); i++ {
		if l.rest[i] == '\n' {
			l.log("%s", l.rest[:i])
			l.rest, i = l.rest[i+1:], -1
		}
	}
	return len(p), nil
}

// child is the main function of a replica.
func child() {
	if err := obey(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

func obey(in io.Reader, out io.Writer) error {
	var s setting
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &s); err != nil {
		return err
	}
	r, err := newReplica(s)
	if err != nil {
		return err
	}
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := reports.Encode(r.obey(o)); err != nil {
			return err
		}
	}
}
