// Package follow follows files that change while a program runs.
package follow

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"
)

// Interval is the default of the longest time until a change is seen.
const Interval = 2 * time.Second

// File is a file, or several that belong together, whose changes are followed.
type File struct {
	// Read returns the content.
	Read func() ([]byte, error)
	// Changed is called with a new content, or with the reason why there is none: when it
	// differs from that of the call before, at first from what Watch was given.
	Changed func(data []byte, err error)
	// Unchanged, unless nil, is called after each read that found nothing new.
	Unchanged func()
}

// sight is the result of a read: the digest of the content, or the error.
type sight struct {
	content [sha256.Size]byte
	missing string
}

func sightOf(data []byte, err error) sight {
	if err != nil {
		return sight{missing: err.Error()}
	}
	return sight{content: sha256.Sum256(data)}
}

// Watch reads the file twice per interval until ctx ends. first is the content in use.
//
// A change counts when two reads in a row are equal, so that half-written files are not
// used. A file that is written slowly may still be read in part: write a new file and
// rename it. A replaced symbolic link is seen, as in a Kubernetes ConfigMap.
func Watch(ctx context.Context, interval time.Duration, first []byte, f File) {
	told := sightOf(first, nil)
	last := told
	ticker := time.NewTicker(max(interval/2, 1))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		data, err := f.Read()
		now := sightOf(data, err)
		settled := now == last
		last = now
		switch {
		case !settled:
		case now != told:
			told = now
			f.Changed(data, err)
		case f.Unchanged != nil:
			f.Unchanged()
		}
	}
}

// Read returns the content of a regular file, of most+1 bytes at most: reading a pipe could
// block forever.
func Read(name string, most int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is of type %v; it must be a regular file", name, info.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
