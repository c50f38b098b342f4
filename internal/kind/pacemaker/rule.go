package pacemaker

import (
	"fmt"
	"regexp"
	"strings"

	"haprov/internal/cluster/pacemaker"
)

// A rule ties a location to what is true of a node, in the words that pcs and crmsh use: comparisons
// of node attributes, joined by "and" or by "or" (Pacemaker Explained, "Rules").
//
//	size eq big and not_defined maintenance-window
//	#uname ne db3
//	date gt 2027-01-01

var (
	ruleAttribute  = regexp.MustCompile(`^#?[A-Za-z_][A-Za-z0-9._-]*$`)
	ruleDate       = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?$`)
	ruleOperations = []string{"eq", "ne", "lt", "lte", "gt", "gte"}
)

// ruleNode is the rule of a location as an element; its id and those inside it begin with id.
func ruleNode(id, text, score, role string) (*pacemaker.Node, error) {
	words := strings.Fields(text)
	rule := element("rule", id+"-rule", "score", score, "role", role)
	join := ""
	for len(words) > 0 {
		if len(rule.Children) > 0 {
			switch w := words[0]; {
			case w != "and" && w != "or":
				return nil, fmt.Errorf("found %q after %d comparisons; expected and, or, or the end", w, len(rule.Children))
			case join != "" && join != w:
				return nil, fmt.Errorf("found both and and or; expected one of them: write a second location for the other")
			default:
				join, words = w, words[1:]
			}
		}
		e, n, err := ruleExpression(fmt.Sprintf("%s-expression-%d", id, len(rule.Children)+1), words)
		if err != nil {
			return nil, err
		}
		rule.Children, words = append(rule.Children, e), words[n:]
	}
	if len(rule.Children) == 0 {
		return nil, fmt.Errorf("found nothing; expected a comparison such as: size eq big")
	}
	if join == "" {
		join = "and"
	}
	rule.Attrs["boolean-op"] = join
	return rule, nil
}

// ruleExpression reads one comparison and says how many words it has.
func ruleExpression(id string, words []string) (*pacemaker.Node, int, error) {
	const want = "; expected ATTRIBUTE eq|ne|lt|lte|gt|gte VALUE, defined ATTRIBUTE, not_defined ATTRIBUTE, or date gt|lt DAY"
	switch {
	case len(words) >= 2 && (words[0] == "defined" || words[0] == "not_defined") && ruleAttribute.MatchString(words[1]):
		return element("expression", id, "attribute", words[1], "operation", words[0]), 2, nil
	case len(words) >= 3 && words[0] == "date" && ruleDate.MatchString(words[2]):
		side := map[string]string{"gt": "start", "lt": "end"}[words[1]]
		if side == "" {
			return nil, 0, fmt.Errorf("found %q%s", strings.Join(words[:3], " "), want)
		}
		return element("date_expression", id, "operation", words[1], side, words[2]), 3, nil
	case len(words) >= 3 && words[0] != "date" && ruleAttribute.MatchString(words[0]):
		for _, o := range ruleOperations {
			if words[1] == o {
				return element("expression", id, "attribute", words[0], "operation", o, "value", words[2]), 3, nil
			}
		}
	}
	return nil, 0, fmt.Errorf("found %q%s", strings.Join(words[:min(3, len(words))], " "), want)
}
