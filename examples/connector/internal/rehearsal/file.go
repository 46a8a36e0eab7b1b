package rehearsal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/ml-connector/ml-connector/sync/document"
)

// maxFile is the size of a file of documents above which it is not read.
const maxFile = 64 << 20

// File yields the documents of a JSON file: one document, an array of them,
// several one after another, or what simulate --json printed. An unknown key is
// an error, since it is not the document that its author meant.
func File(path string) iter.Seq2[document.Document, error] {
	return func(yield func(document.Document, error) bool) {
		fail := func(err error) { yield(document.Document{}, fmt.Errorf("%s: %w", path, err)) }
		f, err := os.Open(path)
		if err != nil {
			yield(document.Document{}, err)
			return
		}
		data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		if err = errors.Join(err, f.Close()); err != nil {
			fail(err)
			return
		}
		if len(data) > maxFile {
			fail(errors.New("the file is larger than 64 MiB"))
			return
		}
		found := 0
		d := json.NewDecoder(bytes.NewReader(data))
		for {
			var raw json.RawMessage
			switch err := d.Decode(&raw); {
			case errors.Is(err, io.EOF):
				if found == 0 {
					fail(errors.New("there is no document in it"))
				}
				return
			case err != nil:
				fail(err)
				return
			}
			docs, err := documents(raw)
			if err != nil {
				fail(err)
				return
			}
			for _, doc := range docs {
				found++
				if !yield(doc, nil) {
					return
				}
			}
		}
	}
}

// documents reads one JSON value.
func documents(raw json.RawMessage) ([]document.Document, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var out []document.Document
	for _, one := range list {
		var printed struct {
			Results []struct {
				Document json.RawMessage `json:"document"`
			} `json:"results"`
		}
		if json.Unmarshal(one, &printed) == nil && len(printed.Results) > 0 {
			for _, r := range printed.Results {
				doc, err := strict(r.Document)
				if err != nil {
					return nil, err
				}
				out = append(out, doc)
			}
			continue
		}
		doc, err := strict(one)
		if err != nil {
			return nil, err
		}
		out = append(out, doc)
	}
	return out, nil
}

func strict(raw json.RawMessage) (document.Document, error) {
	var doc document.Document
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return doc, fmt.Errorf("a document: %w", err)
	}
	if doc.Kind == "" {
		return doc, errors.New(`a document has no kind; such as "kind": "report"`)
	}
	return doc, nil
}
