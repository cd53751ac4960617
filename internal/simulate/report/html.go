package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"math"
	"sync"
)

//go:embed page.html
var pageSource string

var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageSource)) })

// HTML returns r as a page that needs no other file, no script and no network.
func (r *Report) HTML() ([]byte, error) {
	table := r.Table()
	view := struct {
		*Report
		Head  []string
		Rows  []Row
		Plots []Plot
		Lines []string
		Calls string
	}{
		Report: r, Head: table[0].Values, Rows: table[1:], Plots: r.plots(), Lines: r.modelLines(),
		Calls: r.Sampling.real() + " calls in " + short(r.Length.Duration()) + "; " + thousands(float64(r.Sampling.Calls)) + " simulated, each stands for " + r.Sampling.each(),
	}
	var out bytes.Buffer
	if err := page().Execute(&out, view); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// plots returns the plots of a page.
func (r *Report) plots() []Plot {
	share := func(title string, of func(Point) float64) Plot {
		return r.plot(title, 1, percentOf, of)
	}
	seconds := func(title string, of func(Point) Seconds) Plot {
		return r.plot(title, 0, secondsOf, func(p Point) float64 {
			if of(p) == 0 { // no call was answered
				return math.NaN()
			}
			return of(p).Duration().Seconds()
		})
	}
	return []Plot{
		share("Available: answered by a model or the cache", func(p Point) float64 { return p.Available }),
		share("Degraded: answered by a last resort", func(p Point) float64 { return p.Degraded }),
		share("Fallback rate", func(p Point) float64 { return p.Fallback }),
		seconds("Whole answer, p50", func(p Point) Seconds { return p.P50 }),
		seconds("Whole answer, p95", func(p Point) Seconds { return p.P95 }),
		r.plot("Amplification: requests for each call", 0, plainOf, func(p Point) float64 { return p.Requests }),
		r.plot("Traffic, calls per second", 0, countOf, func(p Point) float64 { return p.RPS }),
	}
}
