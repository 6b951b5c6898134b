//go:build plot

package main

import (
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// plots draws all charts that have figures into files of a directory.
func plots(dir string, all []*entry) error {
	for _, c := range charts(all) {
		if len(c.entries) == 0 {
			continue
		}
		b, err := c.draw()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, c.file), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// colours tell libraries apart; what a library has several of gets lighter.
var colours = []struct {
	library string
	colour  color.RGBA
}{
	{"raw", color.RGBA{0x99, 0x99, 0x99, 0xff}},
	{"gorilla", color.RGBA{0xe6, 0x9f, 0x00, 0xff}},
	{"coder", color.RGBA{0x56, 0xb4, 0xe9, 0xff}},
	{"gobwas", color.RGBA{0x00, 0x9e, 0x73, 0xff}},
	{"gws", color.RGBA{0xcc, 0x79, 0xa7, 0xff}},
	{"nbio", color.RGBA{0xd5, 0xc7, 0x11, 0xff}},
	{"duplex", color.RGBA{0x00, 0x3f, 0x8c, 0xff}},
}

// colourOf returns the colour of a contender, the nth of its library.
func colourOf(contender string, nth int) color.RGBA {
	library, _, _ := strings.Cut(contender, " ")
	c := color.RGBA{A: 0xff}
	for _, k := range colours {
		if k.library == library {
			c = k.colour
		}
	}
	for range nth {
		c.R, c.G, c.B = c.R+(0xff-c.R)/2, c.G+(0xff-c.G)/2, c.B+(0xff-c.B)/2
	}
	return c
}

// draw returns the chart as SVG.
func (c chart) draw() ([]byte, error) {
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.BackgroundColor = color.Transparent // the whole canvas has one
	p.Title.Text, p.Y.Label.Text = c.title, c.axis
	p.Y.Min = 0
	p.Legend.Top, p.Legend.XOffs = true, vg.Points(125)
	cases, contenders := c.names()
	width := 600 / vg.Length(len(cases)*(len(contenders)+1))
	count := map[string]int{}
	for i, name := range contenders {
		values := make(plotter.Values, len(cases))
		for j, v := range c.values(name, cases) {
			if values[j] = v; math.IsNaN(v) {
				values[j] = 0
			}
			if c.most > 0 {
				values[j] = min(values[j], c.most)
			}
		}
		bars, err := plotter.NewBarChart(values, width)
		if err != nil {
			return nil, err
		}
		library, _, _ := strings.Cut(name, " ")
		bars.Color = colourOf(name, count[library])
		count[library]++
		bars.LineStyle.Width = 0
		bars.Offset = width * vg.Length(2*i-len(contenders)+1) / 2
		p.Add(bars)
		p.Legend.Add(name, bars)
	}
	labels := make([]string, len(cases))
	for i, name := range cases {
		labels[i] = c.label(name)
	}
	p.NominalX(labels...)
	canvas := vgsvg.New(820, 300)
	area := draw.New(canvas)
	area.FillPolygon(color.White, []vg.Point{area.Min, {X: area.Max.X, Y: area.Min.Y}, area.Max, {X: area.Min.X, Y: area.Max.Y}})
	p.Draw(draw.Crop(area, 5, -135, 5, -5))
	var b strings.Builder
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}
