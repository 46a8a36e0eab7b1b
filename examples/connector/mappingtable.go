package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/engine"
)

type mappingTableCommand struct {
	Put  mappingTablePutCommand  `cmd:"" help:"Keep the rows of a CSV file in place of those that are kept."`
	List mappingTableListCommand `cmd:"" help:"List the tables that are kept."`
	Show mappingTableShowCommand `cmd:"" help:"Print the rows of one as CSV."`
}

type mappingTablePutCommand struct {
	Name string `arg:"" help:"Of the table, as store: in the rules has it."`
	File string `arg:"" help:"CSV: a line of headings, then the parts of the key and, last, the value."`
	configFlags
	Tenant string `placeholder:"NAME" help:"Of this tenant; needed where there are several."`
	Reason string `placeholder:"TEXT" help:"Why, for the audit trail."`
	JSON   bool   `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of mapping table put.
func (c *mappingTablePutCommand) Help() string {
	return `The rows count for the next document, also of a connector that is running. Who put them, when and why stands in the
audit trail. Documents that wait for a row are replayed: ml-connector replay --cause table_row_missing`
}

// maxRows is the size of a table's file above which it is not read.
const maxRows = 32 << 20

var keptName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// rowsOf reads the rows of a CSV file.
func rowsOf(path string) (map[string]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxRows {
		return nil, fmt.Errorf("%s is larger than 32 MiB", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff"))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(all) < 2 || len(all[0]) < 2 {
		return nil, fmt.Errorf("%s: it needs a line of headings and rows with a key and a value, separated by commas", path)
	}
	rows := make(map[string]string, len(all))
	for i, row := range all[1:] {
		for j := range row {
			if row[j] = strings.TrimSpace(row[j]); row[j] == "" {
				return nil, fmt.Errorf("%s: row %d has an empty %s; fill it in or remove the row", path, i+2, all[0][j])
			}
		}
		key := rules.TableKey(row[:len(row)-1]...)
		if _, twice := rows[key]; twice {
			return nil, fmt.Errorf("%s: row %d: %q stands there twice", path, i+2, key)
		}
		rows[key] = row[len(row)-1]
	}
	return rows, nil
}

// Run keeps the rows.
func (c *mappingTablePutCommand) Run(ctx context.Context, p *program) (err error) {
	if !keptName.MatchString(c.Name) {
		return &mendError{fmt.Errorf("%q is no name of a table: up to 40 small letters, digits and _, a letter first", c.Name)}
	}
	rows, err := rowsOf(c.File)
	if err != nil {
		return &mendError{err}
	}
	d, tenant, err := kept(ctx, c.Config, c.Tenant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	k, err := d.PutRows(ctx, tenant, c.Name, rows, engine.Act{Actor: actor(p), Reason: c.Reason})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.print(k)
	}
	p.screen.Printf("table %s of %s: %d rows, version %.12s\n", k.Name, tenant, k.Rows, k.Version)
	return nil
}

// kept opens the data directory of a configuration, and chooses its tenant.
func kept(ctx context.Context, config, tenant string) (*app.Data, string, error) {
	d, err := (&dataFlags{Config: config}).data(ctx)
	if err != nil {
		return nil, "", err
	}
	name, err := oneOf(d.Tenants(), tenant)
	if err != nil {
		return nil, "", errors.Join(err, d.Close())
	}
	return d, name, nil
}

type mappingTableListCommand struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"Of this tenant; needed where there are several."`
	JSON   bool   `name:"json" help:"Print JSON for programs."`
}

// Run lists the tables.
func (c *mappingTableListCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenant, err := kept(ctx, c.Config, c.Tenant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	all, err := d.Rows(tenant).List(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.print(all)
	}
	if len(all) == 0 {
		p.screen.Printf("No table is kept; ml-connector mapping table put NAME FILE.csv keeps one.\n")
		return nil
	}
	t := screen.Table{Columns: []screen.Column{{Title: "table"}, {Title: "rows", Right: true}, {Title: "version"}, {Title: "put (UTC)"}}}
	for _, k := range all {
		t.Add(k.Name, fmt.Sprint(k.Rows), fmt.Sprintf("%.12s", k.Version), k.Put.Format("2006-01-02 15:04:05"))
	}
	t.Write(p.screen)
	return nil
}

type mappingTableShowCommand struct {
	Name string `arg:"" help:"Of the table."`
	configFlags
	Tenant string `placeholder:"NAME" help:"Of this tenant; needed where there are several."`
}

// Run prints the rows.
func (c *mappingTableShowCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenant, err := kept(ctx, c.Config, c.Tenant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	rows, version, err := d.Rows(tenant).Rows(ctx, c.Name)
	if err != nil {
		return err
	}
	if version == "" {
		return &mendError{fmt.Errorf("no table %q is kept for %s", c.Name, tenant)}
	}
	out := csv.NewWriter(p.stdout)
	if err := out.Write([]string{"key", "value"}); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		if err := out.Write([]string{key, rows[key]}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
