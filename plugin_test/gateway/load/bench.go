package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// bench has the processes of a measurement.
type bench struct {
	folder    string
	processes []*exec.Cmd
	gateway   *exec.Cmd
	direct    string // base URLs
	proxy     string // of Go's httputil.ReverseProxy
	nginx     string // "" without nginx
	served    string
	admin     string
	keyed     string // of a second gateway, whose tenants have keys

	behind map[string]*exec.Cmd // by base URL, the process that answers
}

// policyText is the policy of the gateway: defaults, and what a user would set.
const policyText = `
primary: fast
fallbacks: [{name: steady}]
timeouts: {primary: 10s, fallback: 10s}
retry: {max_attempts: 2}
circuit_breaker: {failure_threshold: 5, window: 60s, backoff: 1s}
stream: {idle: 10s}
models:
  "*": {provider: openai_chat, base_url: "http://%s/v1"}
`

// The API keys of two tenants.
const calm, flooding = "sk-calm", "sk-flooding"

// keysText lets the second tenant start 60 calls a minute.
const keysText = `
keys:
  - {tenant: calm, sha256: "%x"}
  - {tenant: flooding, sha256: "%x", requests_per_minute: 60}
`

// nginxText is a plain reverse proxy with connections that are kept.
const nginxText = `
worker_processes auto;
error_log stderr error;
pid %[1]s/nginx.pid;
events { worker_connections 16384; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	upstream provider { server %[2]s; keepalive 512; }
	server {
		listen %[3]s;
		location / {
			proxy_pass http://provider;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_buffering off;
		}
	}
}
`

// start starts provider, gateway and nginx, and waits until they answer.
func start(ctx context.Context, s settings) (b *bench, err error) {
	b = &bench{behind: map[string]*exec.Cmd{}}
	defer func() {
		if err != nil {
			b.stop()
		}
	}()
	if b.folder, err = os.MkdirTemp("", "load"); err != nil {
		return b, err
	}
	addresses, err := free(7)
	if err != nil {
		return b, err
	}
	provider, served, admin, proxy, keyed := addresses[0], addresses[1], addresses[2], addresses[3], addresses[4]
	b.direct, b.served, b.admin, b.keyed, b.proxy = "http://"+provider, "http://"+served, "http://"+admin, "http://"+keyed, "http://"+addresses[6]
	if b.behind[b.direct], err = b.launch(ctx, s.self, "-provider", provider); err != nil {
		return b, err
	}
	if b.behind[b.proxy], err = b.launch(ctx, s.self, "-proxy", addresses[6], "-to", b.direct); err != nil {
		return b, err
	}
	command := filepath.Join(b.folder, "adk-fallback")
	build := exec.CommandContext(ctx, "go", "build", "-o", command, "./cmd/adk-fallback")
	build.Dir = s.root
	if out, err := build.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build: %w\n%s", err, out)
	}
	file := filepath.Join(b.folder, "assistant.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, policyText, provider), 0o600); err != nil {
		return b, err
	}
	if b.gateway, err = b.launch(ctx, command, "serve", file, "--addr", served, "--admin-addr", admin, "--log-level", "warn"); err != nil {
		return b, err
	}
	b.behind[b.served] = b.gateway
	keys := filepath.Join(b.folder, "keys.yaml")
	if err := os.WriteFile(keys, fmt.Appendf(nil, keysText, sha256.Sum256([]byte(calm)), sha256.Sum256([]byte(flooding))), 0o600); err != nil {
		return b, err
	}
	if _, err := b.launch(ctx, command, "serve", file, "--addr", keyed, "--admin-addr", addresses[5], "--keys", keys); err != nil {
		return b, err
	}
	if nginx, err := exec.LookPath("nginx"); err == nil {
		file := filepath.Join(b.folder, "nginx.conf")
		if err := os.WriteFile(file, fmt.Appendf(nil, nginxText, b.folder, provider, proxy), 0o600); err != nil {
			return b, err
		}
		b.nginx = "http://" + proxy
		if b.behind[b.nginx], err = b.launch(ctx, nginx, "-c", file, "-p", b.folder, "-g", "daemon off;"); err != nil {
			return b, err
		}
	} else {
		fmt.Println("nginx is not installed: no comparison (apt-get install nginx)")
	}
	for _, url := range append(b.targets(), b.keyed) {
		if err := ready(ctx, url+"/healthz"); err != nil {
			return b, err
		}
	}
	return b, nil
}

// targets returns the base URLs to measure, the provider's first.
func (b *bench) targets() []string {
	if b.nginx == "" {
		return []string{b.direct, b.proxy, b.served}
	}
	return []string{b.direct, b.nginx, b.proxy, b.served}
}

// name returns what stands behind a base URL.
func (b *bench) name(url string) string {
	return map[string]string{b.direct: "direct", b.nginx: "nginx", b.proxy: "Go's proxy", b.served: "gateway"}[url]
}

func (b *bench) launch(ctx context.Context, name string, arguments ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	log, err := os.Create(filepath.Join(b.folder, fmt.Sprintf("%d-%s.log", len(b.processes), filepath.Base(name))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=test")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.processes = append(b.processes, cmd)
	return cmd, nil
}

// stop ends the processes.
func (b *bench) stop() {
	for _, cmd := range b.processes {
		_ = cmd.Process.Signal(os.Interrupt)
	}
	for _, cmd := range b.processes {
		end := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		end.Stop()
	}
	_ = os.RemoveAll(b.folder)
}

// free returns addresses that nobody listens on.
func free(n int) (addresses []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// ready waits until a URL answers.
func ready(ctx context.Context, url string) error {
	for range 300 {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New(url + " does not answer")
}

// tick is the unit of the CPU times in /proc.
const tick = 10 * time.Millisecond

// cpu returns the CPU time that the process behind a base URL and its children have used.
func (b *bench) cpu(url string) (used time.Duration) {
	pid := strconv.Itoa(b.behind[url].Process.Pid)
	children, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children") // nginx has workers
	for _, pid := range append(strings.Fields(string(children)), pid) {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			continue
		}
		for _, field := range fields[11:13] { // in user mode, in the kernel
			n, _ := strconv.Atoi(field)
			used += time.Duration(n) * tick
		}
	}
	return used
}

// memory returns the largest memory that a process has had so far, and what it has now,
// in MiB.
func memory(pid int) (peak, now float64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(data) {
		name, value, _ := strings.Cut(string(line), ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmHWM":
			peak = kib / 1024
		case "VmRSS":
			now = kib / 1024
		}
	}
	return peak, now
}
