package plainjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// Object decodes a JSON object, such as the arguments of a call. Numbers are of type
// float64, as package json has them, except whole numbers above 2⁵³, such as ids of 64
// bits: they are of type json.Number, because float64 would change them. null gives nil.
func Object(data []byte) (object map[string]any, err error) {
	if !HasLongNumber(data) {
		err = json.Unmarshal(data, &object)
		return object, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, json.Unmarshal(data, &object) // says what follows the object
	}
	for key, value := range object {
		if object[key], err = shortened(value); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// minLong is the fewest digits of a number above 2⁵³.
const minLong = 16

// HasLongNumber reports whether data has so many digits in a row that Object may read
// another number than package json.
func HasLongNumber(data []byte) bool {
	run := 0
	for _, c := range data {
		if c < '0' || c > '9' {
			run = 0
		} else if run++; run == minLong {
			return true
		}
	}
	return false
}

// shortened returns v with each json.Number that float64 can hold as such. It changes
// lists and objects in place.
func shortened(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if errors.Is(err, strconv.ErrRange) || err == nil && (n > 1<<53 || n < -1<<53) {
			return v, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			if v[i], err = shortened(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = shortened(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
