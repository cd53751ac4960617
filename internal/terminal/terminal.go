// Package terminal tells terminals from files and pipes.
package terminal

import (
	"io"
	"io/fs"
	"os"
	"runtime"
)

// Styled reports whether out shows the styles of ECMA-48, such as "\x1b[2m", because it is a terminal. NO_COLOR
// (https://no-color.org) and a dumb terminal switch styles off.
func Styled(out io.Writer) bool {
	file, ok := out.(interface{ Stat() (fs.FileInfo, error) })
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	if runtime.GOOS == "windows" { // only Windows Terminal understands the sequences without being asked to
		return os.Getenv("WT_SESSION") != ""
	}
	term := os.Getenv("TERM")
	return term != "" && term != "dumb"
}
