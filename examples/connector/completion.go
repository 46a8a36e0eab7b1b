package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the text below the help of completion.
func (c *completionCommand) Help() string {
	return `Let your shell read it:

  bash   source <(ml-connector completion bash)            in ~/.bashrc
  zsh    source <(ml-connector completion zsh)             in ~/.zshrc, behind compinit
  fish   ml-connector completion fish > ~/.config/fish/completions/ml-connector.fish`
}

// Run prints a script that knows every command and flag of this version.
func (c *completionCommand) Run(p *program, k *kong.Kong) error {
	words := map[string][]string{}
	var paths []string
	walk(k.Model.Node, "", func(path string, ws []string) {
		words[path] = ws
		paths = append(paths, path)
	})
	slices.Sort(paths)
	var b strings.Builder
	switch c.Shell {
	case "fish":
		fish(&b, paths, words)
	case "zsh":
		b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
		bash(&b, paths, words)
	default:
		bash(&b, paths, words)
	}
	p.screen.Printf("%s", b.String())
	return nil
}

// walk visits every command with the words that may follow it.
func walk(n *kong.Node, path string, visit func(path string, words []string)) {
	var words []string
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		words = append(words, child.Name)
		walk(child, strings.TrimSpace(path+" "+child.Name), visit)
	}
	for _, f := range n.Flags {
		if !f.Hidden {
			words = append(words, "--"+f.Name)
		}
	}
	words = append(words, "--help")
	slices.Sort(words)
	visit(path, slices.Compact(words))
}

// bash looks which command the words so far name, and offers what may follow it.
func bash(b *strings.Builder, paths []string, words map[string][]string) {
	b.WriteString(`_ml_connector() {
  local word path="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    case "$word" in -*) continue ;; esac
    case "${path:+$path }$word" in
`)
	var commands []string
	for _, path := range paths {
		if path != "" {
			commands = append(commands, `"`+path+`"`)
		}
	}
	_, _ = fmt.Fprintf(b, "      %s) path=\"${path:+$path }$word\" ;;\n", strings.Join(commands, "|"))
	b.WriteString(`    esac
  done
  word="${COMP_WORDS[COMP_CWORD]}"
  case "$path" in
`)
	for _, path := range paths {
		_, _ = fmt.Fprintf(b, "    %q) COMPREPLY=($(compgen -W %q -- \"$word\")) ;;\n", path, strings.Join(words[path], " "))
	}
	b.WriteString(`  esac
  [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _ml_connector ml-connector
`)
}

func fish(b *strings.Builder, paths []string, words map[string][]string) {
	for _, path := range paths {
		condition := "__fish_use_subcommand"
		if path != "" {
			var seen []string
			for name := range strings.FieldsSeq(path) {
				seen = append(seen, "__fish_seen_subcommand_from "+name)
			}
			condition = strings.Join(seen, "; and ")
		}
		for _, w := range words[path] {
			if flag, is := strings.CutPrefix(w, "--"); is {
				_, _ = fmt.Fprintf(b, "complete -c ml-connector -n %q -l %s\n", condition, flag)
				continue
			}
			_, _ = fmt.Fprintf(b, "complete -c ml-connector -n %q -f -a %s\n", condition, w)
		}
	}
}
