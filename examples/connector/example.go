package main

import (
	"io"

	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
)

type exampleCommand struct {
	Config  exampleConfigCommand  `cmd:"" help:"Print a configuration that explains every key."`
	Mapping exampleMappingCommand `cmd:"" help:"Print the rules of the sample company, whose comments explain each section."`
}

type exampleConfigCommand struct{}

// Run prints the configuration to begin from.
func (c *exampleConfigCommand) Run(p *program) error {
	_, err := io.WriteString(p.stdout, exampleConfig)
	return err
}

type exampleMappingCommand struct{}

// Run prints the mapping to begin from.
func (c *exampleMappingCommand) Run(p *program) error {
	_, err := p.stdout.Write(sample.Mapping)
	return err
}
