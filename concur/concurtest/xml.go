package concurtest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
)

// xmlFromJSON turns an answer of a v3 service into the XML that the service
// gives to a caller who does not accept JSON. Element names are the JSON names;
// the rows of an array repeat the array's name.
func xmlFromJSON(root string, b []byte) []byte {
	var buf bytes.Buffer
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if t, err := d.Token(); err == nil {
		if t == json.Delim('{') && root == "Error" {
			// {"Error":{…}} has the root's name inside already.
			xmlMembers(&buf, d)
		} else {
			xmlValue(&buf, d, root, t)
		}
	}
	return buf.Bytes()
}

func xmlMembers(buf *bytes.Buffer, d *json.Decoder) {
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return
		}
		v, err := d.Token()
		if err != nil {
			return
		}
		name, _ := k.(string)
		xmlValue(buf, d, name, v)
	}
	_, _ = d.Token()
}

func xmlValue(buf *bytes.Buffer, d *json.Decoder, name string, t json.Token) {
	if t == json.Delim('[') {
		for d.More() {
			v, err := d.Token()
			if err != nil {
				return
			}
			xmlValue(buf, d, name, v)
		}
		_, _ = d.Token()
		return
	}
	buf.WriteString("<" + name + ">")
	switch v := t.(type) {
	case json.Delim:
		xmlMembers(buf, d)
	case string:
		_ = xml.EscapeText(buf, []byte(v))
	case json.Number:
		buf.WriteString(v.String())
	case bool:
		if v {
			buf.WriteString("true")
		} else {
			buf.WriteString("false")
		}
	}
	buf.WriteString("</" + name + ">")
}
