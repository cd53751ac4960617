package policy

import (
	"context"
	"crypto/sha256"
	"time"

	"google.golang.org/adk/v2/model"
)

// Watch is [Load], and follows the file until ctx ends: when its content has
// changed, calls that begin from then on run under the new policy. A new file
// that is broken, or gone, changes nothing: the policy in use stays, and why is
// logged and told to [OnReload].
//
// The file is looked at every [DefaultInterval], by content: that also sees a
// file behind a symbolic link that is swapped, as Kubernetes does with the files
// of a ConfigMap (https://kubernetes.io/docs/concepts/configuration/configmap/).
//
// The watcher is one goroutine, which ends with ctx. See [Live] for what survives
// a reload.
func Watch(ctx context.Context, file string, opts ...Option) (model.LLM, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	p, err := Parse(data)
	if err != nil {
		return nil, inFile(file, err)
	}
	l, err := NewLive(ctx, p, opts...)
	if err != nil {
		return nil, inFile(file, err)
	}
	w := &watcher{live: l, file: file, seen: sha256.Sum256(data)}
	go w.run(ctx)
	return l.Model(), nil
}

// watcher follows one file.
type watcher struct {
	live   *Live
	file   string
	seen   [sha256.Size]byte // of the content that was dealt with last
	broken string            // why the file could not be read, when it was looked at last
}

func (w *watcher) run(ctx context.Context) {
	ticker := time.NewTicker(w.live.options.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look deals with a change of the file, once.
func (w *watcher) look(ctx context.Context) {
	data, err := readFile(w.file)
	if err != nil {
		if err.Error() != w.broken {
			w.broken = err.Error()
			w.report(err)
		}
		return
	}
	w.broken = ""
	sum := sha256.Sum256(data)
	if sum == w.seen {
		return
	}
	w.seen = sum
	p, err := Parse(data)
	if err == nil {
		err = w.live.Replace(ctx, p)
	}
	if ctx.Err() == nil {
		w.report(inFile(w.file, err))
	}
}

func (w *watcher) report(err error) {
	o := w.live.options
	if err != nil {
		o.logger.Error("policy: the changed file cannot be used; the policy in use stays", "file", w.file, "error", err)
	} else {
		o.logger.Info("policy: the changed file is in use", "file", w.file)
	}
	defer func() {
		if r := recover(); r != nil {
			o.logger.Error("policy: OnReload panicked", "file", w.file, "panic", r)
		}
	}()
	o.reloaded(err)
}
