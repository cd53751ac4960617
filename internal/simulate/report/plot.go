package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The size of a plot, in units of its SVG.
const (
	width, height           = 960, 180
	left, right, top, below = 64, 36, 10, 24
)

// Plot is a figure of each run over the time.
type Plot struct {
	Title         string
	Width, Height int
	Left, Right   int // of the plane of the lines
	Top, Plane    int // its top and height
	Lines         []Line
	Bands         []Band // the events
	Rows, Columns []Tick // on the left, and below
}

// Line is one run.
type Line struct {
	Name  string
	Class int    // its number, from 0, which the page gives a colour
	Path  string // of an SVG path
}

// Band is an event.
type Band struct {
	Name        string
	Left, Width string
}

// Tick is a label of an axis.
type Tick struct {
	At   string
	Text string
}

// plot returns the plot of a figure, which is not a number where it is unknown. most is the
// top of its axis; 0 means the largest value.
func (r *Report) plot(title string, most float64, text func(float64) string, of func(Point) float64) Plot {
	p := Plot{Title: title, Width: width, Height: height, Left: left, Right: width - right, Top: top, Plane: height - top - below}
	if most == 0 {
		for _, run := range r.Runs {
			for _, point := range run.Series {
				if v := of(point); v > most { // not for NaN
					most = v
				}
			}
		}
		most = round(most)
	}
	length := r.Length.Duration().Seconds()
	x := func(at Seconds) float64 {
		return left + (width-left-right)*time.Duration(at).Seconds()/length
	}
	y := func(v float64) float64 { return top + (height-top-below)*(1-min(v, most)/most) }
	for i, run := range slices.Backward(r.Runs) { // the policies over the primary alone
		p.Lines = append(p.Lines, Line{Name: run.Name, Class: i % colours, Path: path(run.Series, x, y, of)})
	}
	for _, e := range r.Events {
		p.Bands = append(p.Bands, Band{Name: e.Name, Left: place(x(e.At)), Width: place(max(1, x(e.End)-x(e.At)))})
	}
	for i := range 3 {
		v := most * float64(i) / 2
		p.Rows = append(p.Rows, Tick{At: place(y(v)), Text: text(v)})
	}
	const columns = 6
	for i := range Seconds(columns + 1) {
		at := r.Length * i / columns
		p.Columns = append(p.Columns, Tick{At: place(x(at)), Text: r.clock(at)})
	}
	return p
}

// colours is how many lines have colours of their own.
const colours = 8

// path returns the path of a line. It has a gap where of is not a number, and where there are
// no calls.
func path(series []Point, x func(Seconds) float64, y func(float64) float64, of func(Point) float64) string {
	var b strings.Builder
	command := "M"
	for _, pt := range series {
		if v := of(pt); pt.Calls == 0 || math.IsNaN(v) {
			command = "M"
		} else {
			fmt.Fprintf(&b, "%s%s %s", command, place(x(pt.At)), place(y(v)))
			command = "L"
		}
	}
	return b.String()
}

// place writes a coordinate.
func place(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

// round returns a number of one or two digits that is at least v.
func round(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, times := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10} {
		if v <= times*unit {
			return times * unit
		}
	}
	return 10 * unit
}

func percentOf(v float64) string { return strconv.FormatFloat(100*v, 'f', -1, 64) + " %" }
func secondsOf(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) + " s" }
func plainOf(v float64) string   { return strconv.FormatFloat(v, 'g', 3, 64) }
func countOf(v float64) string   { return thousands(math.Round(v)) }
