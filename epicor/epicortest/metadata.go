package epicortest

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// document is an XML body.
type document []byte

type edmx struct {
	XMLName xml.Name  `xml:"http://docs.oasis-open.org/odata/ns/edmx Edmx"`
	Version string    `xml:"Version,attr"`
	Schema  edmSchema `xml:"DataServices>Schema"`
}

type edmSchema struct {
	XMLName    xml.Name  `xml:"http://docs.oasis-open.org/odata/ns/edm Schema"`
	Namespace  string    `xml:"Namespace,attr"`
	Types      []edmType `xml:"EntityType"`
	EntitySets []edmSet  `xml:"EntityContainer>EntitySet"`
}

type edmType struct {
	Name       string   `xml:"Name,attr"`
	Keys       []edmRef `xml:"Key>PropertyRef"`
	Properties []edmProperty
}

type edmRef struct {
	Name string `xml:"Name,attr"`
}

type edmProperty struct {
	XMLName   xml.Name `xml:"Property"`
	Name      string   `xml:"Name,attr"`
	Type      string   `xml:"Type,attr"`
	Nullable  bool     `xml:"Nullable,attr"`
	MaxLength string   `xml:"MaxLength,attr,omitempty"`
}

type edmSet struct {
	Name       string `xml:"Name,attr"`
	EntityType string `xml:"EntityType,attr"`
}

// metadata describes the entity sets of a service: columns, user-defined ones
// too, and the lengths of Options.MaxLength. The names of its namespace and types
// are an assumption to check on a live tenant.
func (s *Server) metadata(co *company, service string) (int, any, *fault) {
	doc := edmx{Version: "4.0", Schema: edmSchema{Namespace: "Erp.Tablesets"}}
	for _, name := range slices.Sorted(maps.Keys(co.schema)) {
		t := co.schema[name]
		if t.service != service || t.set == "" {
			continue
		}
		et := edmType{Name: t.name + "Row"}
		for _, k := range t.key {
			et.Keys = append(et.Keys, edmRef{k})
		}
		for _, c := range t.columns {
			p := edmProperty{Name: c.name, Type: c.kind.edm(), Nullable: !slices.Contains(t.key, c.name)}
			if n, ok := s.opts.MaxLength[t.name+"."+c.name]; ok {
				p.MaxLength = strconv.Itoa(n)
			}
			et.Properties = append(et.Properties, p)
		}
		doc.Schema.Types = append(doc.Schema.Types, et)
		doc.Schema.EntitySets = append(doc.Schema.EntitySets, edmSet{t.set, doc.Schema.Namespace + "." + et.Name})
	}
	if len(doc.Schema.Types) == 0 {
		return 0, nil, notFound("Resource not found for the segment '%s'.", service)
	}
	b, err := xml.Marshal(doc)
	if err != nil {
		return 0, nil, badQuery("The metadata cannot be written: %v.", err)
	}
	return http.StatusOK, document(append([]byte(xml.Header), b...)), nil
}
