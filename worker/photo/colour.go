package photo

import (
	"image"
	"image/color"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

// colours is how a picture's samples become sRGB: a profile, or nil when they are taken for what the model says.
type colours struct {
	profile *icc.Profile
	name    string // for people; "" when the source carries no profile
	broken  error  // why a profile that is there is not used
}

// coloursOf reads the profile of a picture. Like the decoders it must not let hostile bytes end the process.
func coloursOf(h *header, src []byte) (c colours) {
	defer func() {
		if recover() != nil {
			c = colours{name: "unreadable", broken: errPanicked}
		}
	}()
	p, carried, err := profileOf(h, src)
	switch {
	case !carried:
		return colours{}
	case err != nil:
		return colours{name: "unreadable", broken: err}
	}
	c = colours{profile: p, name: p.Name()}
	if c.name == "" {
		c.name = "unnamed"
	}
	return c
}

// channels is the kind of profile that fits a model.
func (m model) channels() icc.Space {
	switch m {
	case modelGrey:
		return icc.Gray
	case modelCMYK:
		return icc.CMYK
	}
	return icc.RGB
}

// fitting drops a profile that changes nothing or that is meant for other pictures. A picture without colours may come in
// three equal planes, when it has alpha: its profile is still one for grey.
func (c colours) fitting(m model, grey bool) colours {
	switch {
	case c.profile == nil:
	case grey && m == modelRGBA && c.profile.Space() == icc.Gray:
	case c.profile.Space() != m.channels():
		c.profile, c.broken = nil, errOtherSpace
	case c.profile.IsSRGB():
		c.profile = nil
	}
	return c
}

type profileError string

func (e profileError) Error() string { return string(e) }

const errOtherSpace = profileError("it is meant for pictures with other channels")

// rgb brings a scaled picture to sRGB on the background. Planes are reused: the picture must not be used again.
func (p picture) rgb(profile *icc.Profile, background color.NRGBA) [3][]byte {
	out := [3][]byte{p.planes[0].pix}
	samples := len(out[0])
	for c := 1; c < 3; c++ {
		if len(p.planes) > c {
			out[c] = p.planes[c].pix
		} else {
			out[c] = make([]byte, samples)
		}
	}
	switch p.model {
	case modelYCC:
		for i := range samples {
			out[0][i], out[1][i], out[2][i] = color.YCbCrToRGB(out[0][i], out[1][i], out[2][i])
		}
	case modelRGBA:
		divide(out, p.planes[3].pix)
	}
	switch {
	case profile != nil:
		in := out[:min(3, profile.Space().Channels())]
		if p.model == modelCMYK {
			in = append(in, p.planes[3].pix)
		}
		profile.Convert(out, in)
	case p.model == modelGrey:
		copy(out[1], out[0])
		copy(out[2], out[0])
	case p.model == modelCMYK:
		plainCMYK(out, p.planes[3].pix)
	}
	if p.model == modelRGBA {
		blend(out, p.planes[3].pix, background)
	}
	return out
}

// divide undoes the multiplication by alpha. Scaling may have left a colour a little above its alpha.
func divide(rgb [3][]byte, alpha []byte) {
	for i, a := range alpha {
		if a == 0 || a == 255 {
			continue
		}
		for c := range rgb {
			rgb[c][i] = byte(min(255, (uint32(rgb[c][i])*255+uint32(a)/2)/uint32(a)))
		}
	}
}

func blend(rgb [3][]byte, alpha []byte, background color.NRGBA) {
	under := [3]byte{background.R, background.G, background.B}
	for i, a := range alpha {
		if a == 255 {
			continue
		}
		for c := range rgb {
			rgb[c][i] = times(rgb[c][i], a) + times(under[c], 255-a)
		}
	}
}

// plainCMYK is what is left without a profile: black and each ink take away light in turn.
func plainCMYK(out [3][]byte, black []byte) {
	for i, k := range black {
		for c := range out {
			out[c][i] = times(255-out[c][i], 255-k)
		}
	}
}

// canvas lays the scaled picture in the middle of the square.
func (p picture) canvas(profile *icc.Profile, l layout, side int, background color.NRGBA) *image.RGBA {
	rgb := p.rgb(profile, background)
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	if l.size != out.Rect.Max {
		for i := 0; i < len(out.Pix); i += 4 {
			out.Pix[i], out.Pix[i+1], out.Pix[i+2], out.Pix[i+3] = background.R, background.G, background.B, 255
		}
	}
	left, top := (side-l.size.X)/2, (side-l.size.Y)/2
	for y := range l.size.Y {
		line := out.Pix[out.PixOffset(left, top+y):][:4*l.size.X]
		for x := range l.size.X {
			i := y*l.size.X + x
			line[4*x], line[4*x+1], line[4*x+2], line[4*x+3] = rgb[0][i], rgb[1][i], rgb[2][i], 255
		}
	}
	return out
}
