// Package follow reads files again when they change while a program runs.
package follow

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"
)

// Interval is the default of Watch's interval.
const Interval = 2 * time.Second

// File is a file, or several that belong together, for Watch.
type File struct {
	// Read returns the content.
	Read func() ([]byte, error)
	// Changed is called with the new content, or with the error of Read, if it differs from
	// that of the previous call. The first call is compared with Watch's argument first.
	Changed func(data []byte, err error)
	// Unchanged is called after each read without a change. It may be nil.
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
// used. A file that is written slowly may still be read in part; to avoid this, write a new
// file and rename it. Watch notices a replaced symbolic link, as in a Kubernetes ConfigMap.
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

// Read returns at most most+1 bytes of a regular file. It refuses other files, because reading
// a pipe could block forever.
func Read(name string, most int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir(): // Kubernetes may create one in place of a mounted file that does not exist
		return nil, fmt.Errorf("%s is a folder; it must be a regular file", name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is of type %v; it must be a regular file", name, info.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
