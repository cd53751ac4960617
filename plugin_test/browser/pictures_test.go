package browser_test

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/browser"
)

var update = flag.Bool("update", false, "write the pictures in docs/images")

// maxPicture is the size of a picture in bytes that a reader of the README waits for.
const maxPicture = 200 << 10

// pictures are the files in docs/images, and what takes each of them.
var pictures = map[string]func(*testing.T) []byte{
	"adk-web-trace.png": pictureOfADKWeb,
	"debugpage.png":     pictureOfDebugPage,
}

// With -update the pictures are taken, which needs Chromium.
func TestPictures(t *testing.T) {
	folder := filepath.Join(root, "docs", "images")
	for name, take := range pictures {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(folder, name)
			if *update {
				if err := os.MkdirAll(folder, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, small(t, take(t)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			picture, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || len(picture) > maxPicture {
				t.Errorf("%d bytes, %v; want a PNG of at most %d bytes", len(picture), err, maxPicture)
			}
		})
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if pictures[file.Name()] == nil {
			t.Errorf("nothing takes the picture %s", file.Name())
		}
	}
}

// small returns a PNG in as few bytes as possible without changing a pixel.
func small(t *testing.T, picture []byte) []byte {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, decoded); err != nil {
		t.Fatal(err)
	}
	if out.Len() > len(picture) {
		return picture
	}
	return out.Bytes()
}

// pictureOfADKWeb shows the trace of a turn that fell back, with the metadata.
func pictureOfADKWeb(t *testing.T) []byte {
	page := browser.New(t)
	page.Show(browser.View{Width: 1200, Height: 590})
	icons := browser.NewFont(t, "material-symbols", "0.47.5", "material-symbols-outlined.woff2")
	serve(t, routed(t), "routed").converse(page, "routed", "demo", "How is the weather?", "It is sunny.")
	const call = "generate_content gemini-2.5-flash"
	attributes(page, ".trace-row", call, call)
	for _, family := range []string{"Material Icons", "Material Symbols Outlined"} { // which ADK Web loads from Google
		icons.Use(page, family)
	}
	return page.Screenshot()
}
