#!/usr/bin/python3
"""Writes haprov's inventory and recipe of the benchmark play.

gen.py MODEL_JSON OUT_DIR: the model is the play as data (hosts with their variables, packages,
users, directories, files, settings, lines, links, services, commands) and names the folder of its
Jinja templates, which are translated. STATE is the benchmark's state folder: the key and the known
hosts are there.
"""
import json, os, re, sys


def text(s):
    """A text in HCL's quotes: a template sign in it means nothing."""
    return json.dumps(s, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def value(v):
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k} = {value(x)}" for k, x in v.items()) + " }"
    if isinstance(v, list):
        return "[" + ", ".join(value(x) for x in v) + "]"
    return text(v) if isinstance(v, str) else json.dumps(v)


def block(kind, name, **args):
    if not args:
        return [f"    {kind} {text(name)} {{}}"]
    width = max(map(len, args))
    return [f"    {kind} {text(name)} {{", *(f"      {k.ljust(width)} = {v}" for k, v in args.items()), "    }"]


def translate(jinja):
    """The few words of Jinja that the play uses, in Go's. Jinja drops the line end after a tag."""
    jinja = re.sub(r"(\{%.*?%\})\n", r"\1", jinja)
    jinja = re.sub(r"\{% for (\w+) in (\w+) %\}", r"{{ $all := .\2 }}{{ range $i, $\1 := $all }}", jinja)
    jinja = jinja.replace("{% if not loop.last %}", "{{ if lt (add $i 1) (len $all) }}")
    jinja = re.sub(r"\{% (?:endfor|endif) %\}", "{{ end }}", jinja)
    jinja = re.sub(r"\{\{ p\.(\w+) \}\}", r"{{ $p.\1 }}", jinja)
    return re.sub(r"\{\{ (\w+) \}\}", lambda m: m[0] if m[1] == "end" else "{{ ." + m[1] + " }}", jinja)


def write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(lines if isinstance(lines, str) else "\n".join(lines) + "\n")


def inventory(hosts, state, recipe):
    out = ["ssh {", '  user        = "root"', f"  keys        = [{text(state + '/id_ed25519')}]",
           f"  known_hosts = [{text(state + '/known_hosts')}]", "  only_known  = true", "}"]
    for name, v in hosts.items():
        out += [f"host {text(name)} {{", f"  address = {text(v['ip'])}", f"  vars    = {value(v)}", "}"]
    return out + ['cluster "bench" {', f"  recipe = {text(recipe)}", "}"]


def play(m):
    out = ['recipe "ha-base" {', '  about = "The 60 steps of the benchmark"', '  on "all" {']
    for p in m["packages"]:
        out += block("package", p)
    out += block("group", m["group"][0], gid=m["group"][1])
    for name, uid, group, home in m["users"]:
        out += block("user", name, uid=uid, group=text(group), home=text(home), shell=text("/usr/sbin/nologin"))
    for path, owner, group, mode in m["dirs"]:
        out += block("directory", path, owner=text(owner), group=text(group), mode=text(mode))
    for path, owner, group, mode, name in m["files"]:
        out += block("file", path, owner=text(owner), group=text(group), mode=text(mode), content=f"template({text(name + '.tmpl')}, each.host.vars)")
    for key, v in m["sysctl"]:
        out += block("sysctl", key, value=text(v))
    for path, line in m["lines"]:
        out += block("line", line, path=text(path), line=text(line))
    for path, target in m["links"]:
        out += block("symlink", path, target=text(target))
    for unit in m["services"]:
        out += block("service", unit)
    for name, run, unless in m["execs"]:
        out += block("command", name, probe=text(unless), run=text(run))
    return out + ["  }", "}"]


def main(model, out):
    m = json.load(open(model))
    state = os.environ.get("STATE", os.environ.get("HPB_STATE", "/var/tmp/hpb"))
    write(f"{out}/inventory.hcl", inventory(m["hosts"], state, "ha-base"))
    write(f"{out}/recipes/ha-base.hcl", play(m))
    for *_, name in m["files"]:
        write(f"{out}/templates/{name}.tmpl", translate(open(f"{m['templates']}/{name}.j2").read()))
    write(f"{out}/big/inventory.hcl", inventory({k: dict(ip=v["ip"]) for k, v in m["hosts"].items()}, state, "big"))
    write(f"{out}/big/recipes/big.hcl", ['recipe "big" {', '  on "all" {', *block("file", "/root/big.bin", source=text("big.bin"), mode=text("0644")), "  }", "}"])


main(*sys.argv[1:3])
