// Package icc reads ICC colour profiles as they are embedded in real photos, and brings small pictures to sRGB. It owns
// one format (ICC.1 versions 2 and 4: matrix, grey and table profiles of gray, RGB and CMYK pictures) and PNG's cICP
// colour description, which is the same question asked with three numbers.
//
// It is a package of its own, with one user, because it is a world of its own: one format with its own arithmetic,
// hostile input from end to end, nothing shared with the decoders beside it, and fuzzed by itself. It refuses to know
// picture files: whoever finds a profile in a JPEG, PNG or WebP hands over its bytes, and planes of samples.
//
// What a profile means here: a table is read from A2B0, the perceptual one, else from A2B1, as Chromium does. In U.S. Web
// Coated (SWOP) v2, for one, A2B0 is the colorimetric table with black as deep as the display's, while A2B1 shows black ink as
// a dark grey. There is no other black point compensation, but that perceptual tables of version 4, which stop at the black
// of their reference medium, have that black brought to black, as lcms does.
// Colours outside sRGB are clipped in each channel.
//
// Nothing in a profile's bytes makes this package panic, read outside them, or spend more than the caps allow: 4 MiB of
// profile, 256 tags, tables of 33⁴ grid points, curves of 65,536 points.
package icc
