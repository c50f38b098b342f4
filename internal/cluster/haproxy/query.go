package haproxy

import (
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// Say is a shell command that sends words to the runtime socket (HAProxy Management Guide, 9.3).
func Say(socket, words string) string {
	return "printf '%s\\n' " + shell.Quote(words) + " | socat -T5 - UNIX-CONNECT:" + shell.Quote(socket)
}

// StatQuery asks for all servers of all backends; ParseStat reads the answer.
func StatQuery(socket string) probe.Query {
	return probe.Cmd("haproxy servers", Say(socket, "show stat"), probe.Of(probe.Unit, "haproxy.service"), Proxy)
}

// TableQuery asks for a stick table; ParseTable reads the answer.
func TableQuery(socket, table string) probe.Query {
	return probe.Cmd("haproxy table", Say(socket, "show table "+table), probe.Of(probe.Unit, "haproxy.service"), Proxy)
}

// Proxy is what runs in a HAProxy: its servers and tables, and what is set at run time.
var Proxy = probe.Topic("haproxy")
