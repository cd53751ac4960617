package follow_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/follow"
)

// A content counts when it was read twice. One that returns before it counted is no change.
func TestAChangeCountsWhenTwoReadsAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		unchanged := 0
		contents := strings.Fields("a a half b b b a b c d d gone gone d d")
		ctx, cancel := context.WithCancel(t.Context())
		follow.Watch(ctx, 2*time.Second, []byte("a"), follow.File{
			Read: func() ([]byte, error) {
				if len(contents) == 1 {
					cancel()
				}
				now := contents[0]
				contents = contents[1:]
				if now == "gone" {
					return nil, errors.New(now)
				}
				return []byte(now), nil
			},
			Changed:   func(data []byte, err error) { told = append(told, fmt.Sprintf("%s %v", data, err)) },
			Unchanged: func() { unchanged++ },
		})
		if want := []string{"b <nil>", "d <nil>", " gone", "d <nil>"}; !slices.Equal(told, want) || unchanged != 3 {
			t.Errorf("told of %q, want %q; %d reads without news, want 3", told, want, unchanged)
		}
	})
}

func TestReadTakesRegularFilesOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := follow.Read(file, 6); string(data) != "content" || err != nil {
		t.Errorf("%q, error %v; want one byte more than allowed", data, err)
	}
	if data, err := follow.Read(file, 3); string(data) != "cont" || err != nil {
		t.Errorf("%q, error %v; want one byte more than allowed", data, err)
	}
	if _, err := follow.Read(filepath.Dir(file), 6); err == nil || !strings.Contains(err.Error(), "is a folder; it must be a regular file") {
		t.Errorf("a folder: error %v", err)
	}
	if _, err := follow.Read(file+"2", 6); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}
