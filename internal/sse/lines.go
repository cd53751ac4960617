package sse

import (
	"bytes"
	"io"
)

// line returns the bounds in buf of the next line without its end. At the end of
// the source what is left counts as a line; if the source failed, it does not.
func (r *Reader) line() (lo, hi int, err error) {
	for {
		if r.skipLF && r.start < r.end {
			r.skipLF = false
			if r.buf[r.start] == '\n' {
				r.start++
			}
		}
		if !r.begun && !r.skipBOM() {
			continue
		}
		rest := r.buf[r.start+r.scanned : r.end]
		stop := bytes.IndexByte(rest, '\n')
		if cr := bytes.IndexByte(rest[:max(stop, 0)], '\r'); cr >= 0 {
			stop = cr
		} else if stop < 0 {
			stop = bytes.IndexByte(rest, '\r')
		}
		if stop >= 0 {
			lo, hi = r.start, r.start+r.scanned+stop
			r.skipLF = r.buf[hi] == '\r'
			r.start, r.scanned = hi+1, 0
			return lo, hi, nil
		}
		r.scanned = r.end - r.start
		if r.err != nil {
			if r.err == io.EOF && r.start < r.end {
				lo, hi = r.start, r.end
				r.start, r.scanned = r.end, 0
				return lo, hi, nil
			}
			return 0, 0, r.err
		}
		if err := r.fill(); err != nil {
			return 0, 0, err
		}
	}
}

// skipBOM skips a byte order mark. It reports false if more has to be read to
// tell whether there is one.
func (r *Reader) skipBOM() bool {
	head := r.buf[r.start:min(r.end, r.start+len(BOM))]
	if len(head) < len(BOM) && bytes.HasPrefix([]byte(BOM), head) && r.err == nil {
		_ = r.fill() // a failure is kept in r.err
		return false
	}
	if string(head) == BOM {
		r.start += len(BOM)
	}
	r.begun = true
	return true
}

// fill reads more, behind what is needed of buf: the pending data, and the
// unread bytes.
func (r *Reader) fill() error {
	if r.end-r.start > MaxEvent {
		r.err = ErrTooLong
		return r.err
	}
	if len(r.buf)-r.end < len(r.buf)/4 || r.start == r.end && !r.pending {
		r.compact()
	}
	if len(r.buf)-r.end < len(r.buf)/4 {
		grown := make([]byte, min(2*len(r.buf), 3*MaxEvent))
		copy(grown, r.buf[:r.end])
		r.buf = grown
	}
	const maxEmptyReads = 100
	for range maxEmptyReads {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += max(n, 0)
		r.total += max(n, 0)
		if err != nil {
			r.err = err
		}
		if r.total > MaxStream {
			r.err = ErrTooLong
			return r.err
		}
		if n > 0 || err != nil {
			return nil
		}
	}
	r.err = io.ErrNoProgress
	return nil
}

// compact moves what is needed of buf to its beginning.
func (r *Reader) compact() {
	n := 0
	if r.pending && r.joined == nil {
		n = copy(r.buf, r.buf[r.lo:r.hi])
		r.lo, r.hi = 0, n
	}
	m := copy(r.buf[n:], r.buf[r.start:r.end])
	r.start, r.end = n, n+m
}
