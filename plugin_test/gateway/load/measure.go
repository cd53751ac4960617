package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client keeps as many connections as a measurement needs.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 8192}}
}

// named returns the fields of a request that name a model. A flaky one has a fallback.
func named(model string) string {
	if model == flaky {
		return fmt.Sprintf(`"model":%q,"fallbacks":[%q]`, flaky, steady)
	}
	return fmt.Sprintf(`"model":%q`, model)
}

// ask makes a unary call with an API key.
func ask(ctx context.Context, c *http.Client, url, model, key string) error {
	body := fmt.Sprintf(`{%s,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"How is the weather in Paris today?"}],"temperature":0.2}`, named(model))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// openLoop makes rate calls a second for some time, whatever their answers take, and returns
// their latencies, in order, counted from when each was due.
func openLoop(ctx context.Context, c *http.Client, url, key string, rate int, length time.Duration) (latencies []time.Duration, failed int) {
	n := int(float64(rate) * length.Seconds())
	latencies = make([]time.Duration, n)
	var wg sync.WaitGroup
	var failures atomic.Int64
	runtime.LockOSThread() // for pause
	defer runtime.UnlockOSThread()
	begin := time.Now()
	for i := range n {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		pause(due)
		wg.Go(func() {
			if err := ask(ctx, c, url, fast, key); err != nil {
				failures.Add(1)
			}
			latencies[i] = time.Since(due)
		})
	}
	wg.Wait()
	slices.Sort(latencies)
	return latencies, int(failures.Load())
}

// latency prints what proxies add to a call of the provider.
func (b *bench) latency(ctx context.Context, s settings) error {
	quantiles := []float64{0.5, 0.9, 0.99}
	all := map[string][][]time.Duration{} // by URL and round
	failures := 0
	for range s.rounds {
		for _, url := range b.targets() {
			c := client()
			openLoop(ctx, c, url, calm, s.rate, time.Second) // connects
			before := b.cpu(url)
			latencies, failed := openLoop(ctx, c, url, calm, s.rate, s.round)
			c.CloseIdleConnections()
			failures += failed
			var row []time.Duration
			for _, q := range quantiles {
				row = append(row, latencies[int(q*float64(len(latencies)-1))])
			}
			all[url] = append(all[url], append(row, (b.cpu(url)-before)/time.Duration(max(len(latencies), 1))))
		}
	}
	fmt.Printf("Unary calls at %d a second, open loop, median of %d rounds of %v, in ms; %d failed\n", s.rate, s.rounds, s.round, failures)
	fmt.Printf("%-10s %8s %8s %8s %14s %12s\n", "", "p50", "p90", "p99", "p99 − direct", "CPU a call")
	base := median(all[b.direct], 2)
	for _, url := range b.targets() {
		fmt.Printf("%-10s %8.2f %8.2f %8.2f %14.2f %12.2f\n", b.name(url), ms(median(all[url], 0)), ms(median(all[url], 1)), ms(median(all[url], 2)), ms(median(all[url], 2)-base), ms(median(all[url], 3)))
	}
	fmt.Println()
	return ctx.Err()
}

// median returns the median of a column.
func median(rows [][]time.Duration, column int) time.Duration {
	var values []time.Duration
	for _, row := range rows {
		values = append(values, row[column])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// throughput prints how many unary calls a second there can be.
func (b *bench) throughput(ctx context.Context, s settings) error {
	fmt.Printf("Unary calls, closed loop, 64 callers, median of %d rounds of %v\n", s.rounds, s.round)
	all := map[string][][]time.Duration{} // by URL and round: of a call, its time and CPU time
	failures := 0
	for range s.rounds {
		for _, url := range b.targets() {
			before := b.cpu(url)
			n, failed := closedLoop(ctx, url, calm, 64, s.round)
			failures += failed
			calls := time.Duration(max(n, 1))
			all[url] = append(all[url], []time.Duration{s.round / calls, (b.cpu(url) - before) / calls})
		}
	}
	for _, url := range b.targets() {
		fmt.Printf("%-10s %8.0f calls a second, %4d µs of CPU for each\n", b.name(url), 1/median(all[url], 0).Seconds(), median(all[url], 1).Microseconds())
	}
	fmt.Printf("%d failed\n\n", failures)
	return ctx.Err()
}

// closedLoop has callers call one after the other for some time.
func closedLoop(ctx context.Context, url, key string, callers int, length time.Duration) (n, failed int) {
	c := client()
	defer c.CloseIdleConnections()
	var calls, failures atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(length)
	for range callers {
		wg.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				if err := ask(ctx, c, url, fast, key); err != nil {
					failures.Add(1)
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	return int(calls.Load()), int(failures.Load())
}

// flood prints what one tenant's calls take while another one sends as many as it can, most
// of which its key does not allow.
func (b *bench) flood(ctx context.Context, s settings) error {
	const rate = 200
	fmt.Printf("Unary calls of one tenant at %d a second, without and with a tenant that floods, in ms\n", rate)
	c := client()
	defer c.CloseIdleConnections()
	openLoop(ctx, c, b.keyed, calm, rate, time.Second) // connects
	for _, callers := range []int{0, 16} {
		ended := make(chan int)
		go func() {
			n, refused := closedLoop(ctx, b.keyed, flooding, callers, s.round)
			fmt.Printf("%d callers flood: %d calls, %d of them refused; ", callers, n, refused)
			ended <- n
		}()
		latencies, failed := openLoop(ctx, c, b.keyed, calm, rate, s.round)
		<-ended
		fmt.Printf("p50 %.2f, p99 %.2f, %d failed\n", ms(latencies[len(latencies)/2]), ms(latencies[int(0.99*float64(len(latencies)-1))]), failed)
	}
	fmt.Println()
	return ctx.Err()
}

// slowStreams prints the memory of the gateway with many slow streams.
func (b *bench) slowStreams(ctx context.Context, s settings) error {
	_, before := memory(b.gateway.Process.Pid)
	c := client()
	defer c.CloseIdleConnections()
	var whole, failed atomic.Int64
	var wg sync.WaitGroup
	for range s.streams {
		time.Sleep(time.Second / 1000)
		wg.Go(func() {
			if err := listen(ctx, c, b.served, slow); err != nil {
				failed.Add(1)
				return
			}
			whole.Add(1)
		})
	}
	wg.Wait()
	peak, _ := memory(b.gateway.Process.Pid)
	fmt.Printf("%d streams of %v at the same time: %d whole, %d failed; memory of the gateway %.0f MiB before, %.0f MiB at most\n",
		s.streams, slowChunks*slowPace, whole.Load(), failed.Load(), before, peak)
	return ctx.Err()
}

// listen reads a stream to its end.
func listen(ctx context.Context, c *http.Client, url, model string) error {
	body := fmt.Sprintf(`{%s,"stream":true,"messages":[{"role":"user","content":"Tell me a story."}]}`, named(model))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if lines.Text() == "data: [DONE]" {
			return nil
		}
	}
	return errors.New("the stream ended without [DONE]")
}

// soak calls a flaky model for long, unary and streamed, and prints memory and goroutines.
func (b *bench) soak(ctx context.Context, s settings) error {
	end := time.Now().Add(s.soak)
	var calls, failed atomic.Int64
	var wg sync.WaitGroup
	c := client()
	defer c.CloseIdleConnections()
	for i := range 32 {
		wg.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				err := error(nil)
				if i%2 == 0 {
					err = ask(ctx, c, b.served, flaky, calm)
				} else {
					err = listen(ctx, c, b.served, flaky)
				}
				calls.Add(1)
				if err != nil {
					failed.Add(1)
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	fmt.Printf("Soak of %v: a model that fails in one of five calls, in five ways, and its fallback, unary and streamed\n", s.soak)
	fmt.Printf("%8s %10s %10s %12s %12s\n", "after", "calls", "failed", "memory, MiB", "goroutines")
	for begin := time.Now(); time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(min(s.soak/10, time.Until(end)+time.Millisecond))
		_, now := memory(b.gateway.Process.Pid)
		fmt.Printf("%8v %10d %10d %12.0f %12d\n", time.Since(begin).Round(time.Second), calls.Load(), failed.Load(), now, b.goroutines())
	}
	wg.Wait()
	return ctx.Err()
}

// goroutines returns the goroutines of the gateway, from its metrics; -1 if it does not say.
func (b *bench) goroutines() int {
	resp, err := http.Get(b.admin + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				return -1
			}
			return n
		}
	}
	return -1
}
