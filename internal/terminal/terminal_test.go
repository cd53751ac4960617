package terminal_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/terminal"
)

// file is a writer that says what kind of file it is.
type file struct {
	bytes.Buffer
	mode fs.FileMode
	err  error
}

func (f *file) Stat() (fs.FileInfo, error) { return info{mode: f.mode}, f.err }

type info struct {
	fs.FileInfo
	mode fs.FileMode
}

func (i info) Mode() fs.FileMode { return i.mode }

func TestStyled(t *testing.T) {
	const device = fs.ModeDevice | fs.ModeCharDevice
	regular, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer regular.Close()
	for _, c := range []struct {
		name          string
		out           io.Writer
		term, noColor string
		want          bool
	}{
		{"terminal", &file{mode: device}, "xterm-256color", "", true},
		{"NO_COLOR", &file{mode: device}, "xterm-256color", "1", false},
		{"NO_COLOR of any value", &file{mode: device}, "xterm-256color", "false", false},
		{"dumb terminal", &file{mode: device}, "dumb", "", false},
		{"unknown terminal", &file{mode: device}, "", "", false},
		{"file", regular, "xterm-256color", "", false},
		{"pipe", &file{mode: fs.ModeNamedPipe}, "xterm-256color", "", false},
		{"closed file", &file{mode: device, err: errors.New("closed")}, "xterm-256color", "", false},
		{"no file", (*os.File)(nil), "xterm-256color", "", false},
		{"buffer", &bytes.Buffer{}, "xterm-256color", "", false},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		if runtime.GOOS == "windows" {
			t.Setenv("WT_SESSION", map[bool]string{true: "session"}[c.want])
		}
		if got := terminal.Styled(c.out); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
