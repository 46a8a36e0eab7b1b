package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the text below the help of completion.
func (c *completionCommand) Help() string {
	return `bash:  source <(ml-connector completion bash)
zsh:   source <(ml-connector completion zsh)
fish:  ml-connector completion fish | source`
}

// word is what may come next: a command, or a flag of one.
type word struct {
	path string // the commands before it, joined by spaces
	name string
	help string
}

// completable lists what may be completed, from the commands themselves.
func completable(n *kong.Node, path string) []word {
	var out []word
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		out = append(out, word{path, child.Name, firstSentence(child.Help)})
		out = append(out, completable(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	for _, f := range n.Flags {
		if !f.Hidden {
			out = append(out, word{path, "--" + f.Name, firstSentence(f.Help)})
		}
	}
	// What the default command takes may stand without its name.
	if n.DefaultCmd != nil {
		for _, f := range n.DefaultCmd.Flags {
			out = append(out, word{path, "--" + f.Name, firstSentence(f.Help)})
		}
	}
	return out
}

func firstSentence(help string) string {
	if i := strings.Index(help, ". "); i >= 0 {
		help = help[:i]
	}
	return strings.NewReplacer("'", "", "`", "", "$", "", ":", "", "\"", "", "\n", " ").Replace(strings.TrimSuffix(help, "."))
}

// Run prints a script for a shell.
func (c *completionCommand) Run(p *program, k *kong.Kong) error {
	all := completable(k.Model.Node, "")
	var paths []string
	for _, w := range all {
		if !slices.Contains(paths, w.path) {
			paths = append(paths, w.path)
		}
	}
	if c.Shell == "fish" {
		for _, w := range all {
			p.screen.Printf("complete -c ml-connector -f -n '%s' %s -d '%s'\n", fishCondition(w.path), fishWord(w.name), w.help)
		}
		return nil
	}
	if c.Shell == "zsh" {
		p.screen.Printf("autoload -U +X bashcompinit && bashcompinit\n")
	}
	p.screen.Printf("%s", "_ml_connector() {\n"+
		"  local path='' word at=1 current=\"${COMP_WORDS[COMP_CWORD]}\"\n"+
		"  while [ $at -lt $COMP_CWORD ]; do\n"+
		"    word=\"${COMP_WORDS[at]}\"\n"+
		"    case \" $(_ml_connector_words \"$path\") \" in *\" $word \"*) case \"$word\" in -*) ;; *) path=\"${path:+$path }$word\" ;; esac ;; esac\n"+
		"    at=$((at + 1))\n"+
		"  done\n"+
		"  COMPREPLY=($(compgen -W \"$(_ml_connector_words \"$path\")\" -- \"$current\"))\n"+
		"  [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- \"$current\"))\n"+
		"  return 0\n"+
		"}\n"+
		"_ml_connector_words() {\n"+
		"  case \"$1\" in\n")
	for _, path := range paths {
		var names []string
		for _, w := range all {
			if w.path == path {
				names = append(names, w.name)
			}
		}
		p.screen.Printf("    '%s') echo '%s' ;;\n", path, strings.Join(names, " "))
	}
	p.screen.Printf("  esac\n}\ncomplete -o filenames -F _ml_connector ml-connector\n")
	return nil
}

func fishCondition(path string) string {
	if path == "" {
		return "__fish_use_subcommand"
	}
	var parts []string
	for name := range strings.FieldsSeq(path) {
		parts = append(parts, "__fish_seen_subcommand_from "+name)
	}
	return strings.Join(parts, "; and ")
}

func fishWord(name string) string {
	if long, isFlag := strings.CutPrefix(name, "--"); isFlag {
		return "-l " + long
	}
	return "-a " + name
}
