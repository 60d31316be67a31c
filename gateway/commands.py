"""What arguments may say: commands and SQL that only read, and the keys that carry them."""

import re

from gateway.verbs import CJK_WORDS, word_set

# Programs that only read whatever their arguments, but for those in FORBIDDEN.
READ_PROGRAMS = word_set("""
    ls dir cat head tail grep egrep fgrep zgrep zcat rg wc cut tr sort echo printf pwd whoami id
    uname uptime free df du ps pgrep pidof lsof ss netstat vmstat iostat mpstat nproc lscpu lsblk
    lsmod lspci lsusb stat file readlink realpath basename dirname which whereis printenv date true
    false sleep diff cmp comm md5sum sha1sum sha256sum cksum od hexdump strings nl tac rev column
    jq yq tree dig nslookup host ping traceroute getent groups users who w last dmesg journalctl
    top arp find sed awk curl ip ipconfig tasklist systeminfo findmnt lastlog cd test get mget hget
    hgetall hmget hkeys hvals hlen hexists lrange llen lindex scan hscan sscan zscan keys ttl pttl
    exists info dbsize strlen smembers scard sismember zrange zrevrange zrangebyscore zcard zscore
    zrank xrange xrevrange xlen xinfo getrange bitcount lastsave pfcount randomkey get-process
    get-service get-childitem get-content get-eventlog select-object sort-object measure-object
    format-table format-list get-item get-host get-date select-string more less fold base64
    sha512sum expr seq locate type bc numfmt
""")
_FORBIDDEN = r"""
find -(delete|exec.*|ok.*|fprint.*|fls)
sort -[a-zA-Z]*[oT].*|--(o|c|T).*
sed -[a-zA-Z]*i.*|--in.*|.*[\s;}/\d$gpI][weWE](\s.*|$)|[we]\b.*|-[nrE]*f.*|--file.*
awk .*(system|getline|print[^}]*>|\||close).*|-[fi].*|--file.*|-[vE].*
curl -[a-zA-Z]*[dFToOKXcDQ].*|--(data|form|up|out|rem|conf|req|json|cook|dump|url-q|q|tr).*
date -[a-zA-Z]*s.*|--s.*|\d+
dmesg -[a-zA-Z]*[cCDEn].*|--(cl|read-c|console).*
journalctl --(vac|rot|flu|sync|rel|setup|update|smart).*
tree -[a-zA-Z]*o.*|--out.*
yq -[a-zA-Z]*i.*|--in.*
ss -[a-zA-Z]*K.*|--k.*
rg --pre.*|--hostname.*
arp -[a-zA-Z]*[dsf].*
ip (a|add|d|del|delete|set|flush|change|replace|exec|netns)
less -[oO].*|--log.*|\+.*
more \+.*
printf -v
git -c|--(out|exec|upload|ext|open|config).*|-O.*
kubectl --(force|prune|overw).*
lsof -D.*
scan -
info -
ipconfig /(?!all).*
"""
FORBIDDEN = {
    name: re.compile(rule, re.DOTALL)
    for name, rule in (line.split(None, 1) for line in _FORBIDDEN.strip().splitlines())
}
# Programs that read under these sub-commands alone, and programs that never only read.
_SUBCOMMANDS = """
kubectl: api-resources, api-versions, auth can-i, auth whoami, cluster-info
kubectl: config current-context, config get-contexts, config view, describe, diff, events
kubectl: explain, get, logs, rollout history, rollout status, top, version, wait
helm: env, get, history, lint, list, ls, repo list, search, show, status, template, version
docker: compose config, compose logs, compose ls, compose ps, container inspect
docker: container logs, container ls, diff, events, history, image inspect, image ls, images
docker: info, inspect, logs, network inspect, network ls, port, ps, search, stats, system df
docker: system info, top, version, volume inspect, volume ls
git: blame, cat-file, config --get, config --list, config -l, count-objects, describe, diff
git: for-each-ref, grep, log, ls-files, ls-remote, ls-tree, merge-base, rev-list, rev-parse
git: shortlog, show, show-ref, stash list, stash show, status, worktree list
systemctl: cat, get-default, is-active, is-enabled, is-failed, list-dependencies
systemctl: list-sockets, list-timers, list-unit-files, list-units, show, status
terraform: graph, output, plan, providers, show, state list, state show, validate, version
gh: issue list, issue status, issue view, pr checks, pr diff, pr list, pr status, pr view
gh: release list, release view, repo list, repo view, run list, run view, search, status
apt: list, policy, search, show
npm: audit, list, ls, outdated, view
pip: check, freeze, list, show
crictl: images, info, inspect, logs, pods, ps, stats, version
dpkg: --list, -L, -l, -s
rpm: -q, -qa, -qi, -ql
etcdctl: endpoint health, endpoint status, get, member list
argocd: app diff, app get, app history, app list, app logs, version
config: get
client: info, list
cluster: info, nodes, slots
memory: stats, usage
object: encoding, freq, idletime, refcount
slowlog: get, len
hostnamectl: status
vault: kv get, kv list, list, read, status
timedatectl: show, status
openssl: version
go: list, version
loginctl: list-sessions
nginx: -T, -V, -t, -v
"""
WRITERS = word_set("""
    bash chmod chown cp dd eval iptables kill killall mkfs mongo mongosh mount mv mysql nc node
    perl pkill powershell psql pwsh python python3 reboot redis rm rsync ruby scp service sh
    shutdown ssh tee truncate umount wget
""")


def _subcommands() -> dict[str, set[str]]:
    """Read the table above; a program may stand on several lines."""
    table: dict[str, set[str]] = {name: set() for name in WRITERS}
    for line in _SUBCOMMANDS.strip().splitlines():
        name, _, subs = line.partition(": ")
        table.setdefault(name, set()).update(sub.strip() for sub in subs.split(","))
    for twin, name in (("podman", "docker"), ("nerdctl", "docker"), ("oc", "kubectl")):
        table[twin] = table[name]
    return table


SUBCOMMANDS = _subcommands()
# Every program a line may be told to begin with, those included of which nothing is known to read.
PROGRAMS = SUBCOMMANDS.keys() | word_set("""
    ansible aws az consul flux gcloud gsutil nerdctl nomad pulumi rabbitmqctl supervisorctl tofu
    ufw pm2 redis-cli
""")
READ_LINES = re.compile(
    r"uniq( -[a-z]+)*( [\w./-]+)?|aws s3 ls.*|aws [a-z\d-]+ (describe|list|get|head|lookup|"
    r"filter)-[a-z\d-]+.*"
    r"|(?:gcloud|az) (?:(?:account|acr|aks|alpha|beta|buckets|clusters|compute|container|db|disks|"
    r"functions|group|iam|instances|keyvault|logging|logs|network|networks|projects|pubsub|run|"
    r"server|services|sql|storage|subscriptions|topics|vm|vnet|webapp) ){1,4}"
    r"(?:list|show|describe)( .*)?"
    r"|git branch( (-a|-r|-v|-vv|--all|--list|--show-current|--remotes|--merged|--no-merged))*"
    r"|git remote( (-v|show|get-url)( [\w./-]+)?)?|git tag( (-l|--list|-n\d*)( [\w.*/-]+)?)?"
    r"|git reflog( show)?( [\w./@-]+)?|crontab -l|mount( -l)?|hostname( -[fIisd])?|env|"
    r"unzip -[lv] \S+"
    r"|iptables (-[nvt]+ )*-[nv]*[LS][nv]*|sysctl (-a|[a-z][\w.]+)|service [\w.@-]+ status"
    r"|tar -?[zjJv]*t[zjJvf]* \S+|nc -z[vw\d]* [\w.:-]+ \d+|ifconfig( -a| \w+)?|"
    r"[\w./-]+ --(version|help)"
)
WRAPPERS = word_set("sudo time nice nohup command timeout")
VALUE_FLAGS = {
    "kubectl": word_set("-n --namespace --context --kubeconfig --cluster --user -s --server"),
    "git": word_set("-C --git-dir --work-tree"),
    "helm": word_set("-n --namespace --kube-context --kubeconfig"),
    "docker": word_set("-H --host --context"),
    "gh": word_set("-R --repo"),
}

# What keys of arguments mean.
TRUE = word_set("1 true yes on y t force always all enabled")
FALSE = word_set("false no 0 off none null disabled")
BODY_KEYS = word_set("query queries text raw string body command")
HTTP_WRITES = word_set("POST PUT PATCH DELETE MKCOL COPY MOVE PROPPATCH PURGE LINK UNLINK")
HARM_HINTS = ("destructiveHint", "destructive_hint", "destructive", "is_destructive")
READ_HINTS = ("readOnlyHint", "read_only_hint", "readOnly", "read_only")
LIST_TAILS = frozenset(
    f"{read} {verb}"
    for read in ("list", "query", "search", "view", "watch", "scan", "count")
    for verb in ("update", "set", "reset", "start", "stop", "sync", "import")
)
DATABASES = word_set("""
    sql postgres postgresql pg mysql mariadb sqlite db database databases bigquery snowflake
    clickhouse redshift duckdb mssql oracle trino presto athena supabase neon cockroach cassandra
    cql neo cypher mongo mongodb influx kusto adx
""")
SEARCHES = word_set("search find lookup docs documentation code web wiki issues")
SHELLS = word_set("shell ssh terminal console cli powershell")
TEXTS = word_set("""
    analyse analyze classify embed explain lint parse summarise summarize tokenize translate
    validate
""")
TOOL_TRAITS = (DATABASES, SEARCHES, SHELLS, TEXTS)
LINE_KEYS = word_set("line lines run input inputs stdin oneliner")
CHOICE_KEYS = word_set("action operation op verb act")
STATEMENT_KEYS = word_set("sql statement statements stmt ddl dml")
QUERY_KEYS = word_set("query q pattern regex name topic path")
PROSE_KEYS = word_set("""
    text message messages content description title comment note notes summary prompt question
    reason subject keyword keywords search term terms needle pattern regex grep highlight topic
    phrase thought goal symptom
""")
SHELL_KEYS = word_set("""
    command commands cmd cmds cmdline script scripts shell bash sh powershell exec cli commandline
""")
OPTION_KEYS = word_set("args argv arguments flags options parameters params extra")
CALLEE_KEYS = word_set("function func fn procedure tool api")
ACTION_KEYS = CALLEE_KEYS | word_set("""
    action actions operation operations op ops verb act method subcommand intent mutation mode rpc
""")
OPEN_MODES = word_set("w a w+ a+ r+ rw wb ab write append x")
PROGRAM_KEYS = word_set("program executable binary entrypoint")
SWITCHES = word_set("""
    ack acknowledge autofix cancel create deploy disable enable install markasread markread markseen
    publish reset send
""")
FLAGS = word_set("""
    force forced recursive recurse prune cascade confirm confirmed overwrite commit write save yes
    approve approved autoapprove autocommit inplace
""")
ACT_KEYS = word_set("""
    delete remove drop destroy kill terminate purge wipe exec execute truncate deletes updates
    rollback revert insert upsert dropdatabase deleteone deletemany insertone insertmany updateone
    updatemany replaceone bulkwrite fix
""")
MONGO_KEYS = word_set("""
    $set $unset $inc $push $pull $rename $out $merge $currentDate $addToSet $mul $setOnInsert
    deletes updates
""")

# How names, statements and commands are cut, and the shapes of those that write.
# Bidirectional overrides and tag characters have no honest use in a name.
MASQUERADE = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
ALIEN = re.compile(
    "[^\\s\x20-\x7e\u3001-\u3007\u300c-\u3011\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
WORD = re.compile(rf"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|{CJK_WORDS}")
CJK_GAP = re.compile(r"(?<=[\u3400-\u9fff])[\W\d_]+(?=[\u3400-\u9fff])")
XARGS_FLAG = re.compile(r"-(0|r|n\d+|P\d+|I\{\}|t)")
PROGRAM_PATHS = ("", "/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin")
_QUOTED = re.compile(
    r"/\*(?:.*?\*/|.*\Z)|--[^\n]*|'[^']*(?:''[^']*)*'|\"[^\"]*\"|`[^`]*`", re.DOTALL
)
_QUOTED_BACKSLASH = re.compile(
    r"/\*(?:.*?\*/|.*\Z)|--[^\n]*|'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\Z)"
    r"|\"[^\"\\]*(?:\\.[^\"\\]*)*(?:\"|\Z)|`[^`]*`",
    re.DOTALL,
)
QUOTED = (_QUOTED, _QUOTED_BACKSLASH)


def bare_sql(text: str, gap: str, quoted: re.Pattern[str]) -> str:
    """Take comments and quoted text out of a statement; MySQL runs what stands in /*! */."""
    text = re.sub(r"/\*[!+]\d*", " ", text) if "/*" in text else text
    text = quoted.sub(lambda found: gap if found[0][:2] in ("/*", "--") else " q ", text)
    return re.sub(r" ?\. ?", ".", " ".join(text.replace("[", " ").replace("]", " ").split()))


HASH_LINE = re.compile(r"(?m)^[ \t]*#[^\n]*")
GO_LINE = re.compile(r"(?m)^[ \t]*go[ \t]*$")
SQL_READS = word_set("""
    select with show values table pragma use begin start commit end from set_ list match return
    unwind sum rate avg max min count index
""")
_THING = (
    r"(?:or replace |unique |clustered |global |local |temp |temporary |materialized |external |"
    r"foreign |public |if |not |concurrently |event |recursive |transient )*(?:table|tables|"
    r"database|"
    r"schema|index|view|function|procedure|trigger|sequence|user|role|type|extension|policy|column|"
    r"constraint|tablespace|publication|subscription|keyspace|collection|partition|server|domain|"
    r"aggregate|owned|event|measurement|series|shard|stream|task|warehouse|stage|login|rule|graph|"
    r"retention|continuous|node|label|pipe|package|synonym|dictionary|operator|cast|language)\b"
)
_INNER = (
    r"delete from\b|delete [\w.]+ from\b|insert (?:overwrite |ignore |or \w+ )?into\b|"
    r"merge into\b|replace into\b|update (?:only |top ?\(\d+\) |or \w+ |ignore )?[\w.@]+ "
    rf"(?:(?:as )?\w+ )?set\b|truncate (?:table )?\w|drop {_THING}|alter {_THING}|create {_THING}|"
    r"insert data\b|delete data\b|delete where\b|(?:insert|delete) ?\{|detach delete\b"
)
SQL_WRITE = re.compile(
    rf"(?:{_INNER}|insert (?:overwrite|all|first|low_priority|delayed)\b|delete [\w.]+ where\b|"
    r"update [^;]{1,200} set [^;]{1,120}=|alter (?:system|session|default|group|large)\b|"
    r"create (?:or alter|\()|grant \w[^;]{0,300} (?:to|on) |revoke \w[^;]{0,300} (?:from|on) |"
    r"merge (?:\w|\()|upsert \w|call [\w.]+ ?\(|do (?:\$|q)|exec(?:ute)? \w|copy [\w.(][^;]{0,500} "
    r"(?:from|to) |vacuum\b|reindex\b|cluster \w|refresh materialized|lock (?:table|in)|comment on|"
    r"rename (?:table|user)|attach |detach (?:database|partition)|load (?:data|xml|graph|q|<)|"
    r"import (?:from|foreign|data|into|table)|set (?:global|session|role|password|persist|local|@@|"
    r"[\w.]+ ?=|[\w.]+ to )|reset (?:all|role|master|\w+$)|kill (?:\d|query|connection|q)|"
    r"optimize table|repair table|flush \w|handler \w|prepare \w+ (?:from|as)|deallocate|discard "
    r"|security label|reassign owned|checkpoint$|shutdown\b|backup (?:database|log|table)|"
    r"restore (?:database|table|from)|export data|unload|declare |purge |msck|dbcc|bulk insert|"
    r"stop (?:slave|replica|group)|start (?:slave|replica|group)|change (?:master|replication)|"
    r"(?:un)?install (?:plugin|component|extension)|undrop|analyze |notify |go$|clear (?:graph|"
    r"all)|"
    r"drop (?:graph|all)|add \w+ to|foreach ?\(|\.(?:drop|delete|purge|clear|set|append|alter|"
    r"create))"
)
SQL_TIGHT = re.compile(
    r"(?:delete from [\w.]+ ?(?:where\b.*[=<>].*|)$|insert (?:\w+ )?into [\w.]+ ?(?:\(|values|"
    r"select)|"
    r"update [\w.]+ set [\w.]+ ?=|truncate table [\w.]+$|merge into .* using|grant .* on .* to |"
    rf"drop {_THING} (?:if exists )?[\w.]+(?: cascade| restrict)?$|alter table [\w.]+ "
    r"(?:add|drop|rename|alter|modify|set)|create (?:temp \w*)?table [\w.]+ ?(?:\(|as )|"
    r"call [\w.]+\()"
)
SQL_INSIDE = re.compile(rf"\b(?:{_INNER})|\bexec(?:ute)? (?:xp_|sp_|immediate)")
SQL_SELECT = re.compile(
    r"\binto\b|\bfor (?:no key )?update\b|\bfor (?:key )?share\b|\block in share|\bprogram\b q|"
    r"^pragma [\w.]+ ?=|^pragma (?:wal_checkpoint|optimize|incremental_vacuum|writable)|"
    r"^(?:match|unwind|with|return)\b.*\b(?:delete|set|remove|merge|create|detach|foreach)\b"
)
SQL_READ_SHAPE = re.compile(
    r"select\b.*(?:\bfrom\b|\(|\binto\b)|with (?:recursive )?[\w.]+ ?(?:\([^)]*\) ?)?as\b|"
    r"pragma [\w.]+|"
    r"(?:optional )?match ?\(|unwind\b.*\bas\b|values ?\(|table \w+$|from [\w.]+ (?:select|insert)"
)
SQL_EXPLAIN = re.compile(
    r"(?:explain|describe|desc|profile) (?:\([^)]*\) |analyze |verbose |plan for )*"
)
SQL_CALLED = re.compile(r"\b(\w{2,64}) ?\(")
SQL_CALLS = re.compile(
    r"pg_(?:terminate_backend|cancel_backend|reload_conf|rotate_logfile|sleep\w*|promote|"
    r"switch_wal|"
    r"advisory\w*lock\w*|drop_\w+|create_\w+|logical_emit\w*|replication_\w+|file_write|"
    r"start_backup|"
    r"stop_backup|wal_replay\w*|stat_reset\w*|notify|backup_st\w+)|lo_(?:import|export|unlink|"
    r"create|"
    r"put)|setval|nextval|set_config|dblink\w*|query_to_xml\w*|xp_\w+|sp_\w+|sys_(?:exec|eval)|"
    r"load_extension|writefile|benchmark|(?:un)?schedule|get_lock|release_lock|openrowset|"
    r"load_file|"
    r"(?!array_|list_|map_|json|regexp_|str_|string_)(?:\w+_)?(?:delete|purge|kill|terminate|drop|"
    r"remove|destroy|wipe|execute|exec|restart|revoke|truncate_table|erase|shutdown)(?:_\w+)?"
)
SQL_PACKAGES = re.compile(r"\b(?:utl|dbms)_\w{1,40}\.")
SHELL_TOKEN = re.compile(
    r"(?P<null>(?:[012]|&)?>>?[ \t]*/dev/null(?=[\s;|&]|$)|2>&1)|(?P<next>\|\||&&|[;|\n&])|"
    r"(?P<bad>[<>`()]|\$[({'\"])|(?P<space>[ \t\r\f\v]+)|"
    r"(?P<word>(?:'[^']*'|\"(?:[^\"\\$`]|\\.|\$(?![({]))*\"|\\.|[^\s'\"\\;|&<>`()$]|"
    r"\$(?![({'\"]))+)",
    re.DOTALL,
)
SHELL_QUOTE = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)


def split_command(text: str) -> list[list[str]] | None:
    """Cut a shell text into the words of its segments; None when it can do more than run them."""
    segments: list[list[str]] = [[]]
    position = 0
    while position < len(text):
        found = SHELL_TOKEN.match(text, position)
        if not found or found.lastgroup == "bad":
            return None
        position = found.end()
        if found.lastgroup == "next":
            segments.append([])
        elif found.lastgroup == "word":
            # A dollar in single quotes stands for nothing but itself.
            segments[-1].append(SHELL_QUOTE.sub(_unquoted, found[0]))
    return [words for words in segments if words and not words[0].startswith("#")]


def _unquoted(found: re.Match[str]) -> str:
    """Take the quotes off; a dollar in single ones stands for itself alone."""
    return (found[1] or "").replace("$", "§") + (found[2] or found[3] or "")


SHELL_NEXT = re.compile(r"[;&|`\n]+|\$\(")
SHELL_JOINT = re.compile(r"[;&|]|\$\(")
SHELL_SIGN = re.compile(r"[;&|`<>\n]|\$\(")
CURL_READS = re.compile(r" (?:-X ?|--request[ =])(?:GET|HEAD)\b| (?:-o|--output) /dev/null\b")
ESCAPED = re.compile("%[0-9a-fA-F]{2}")
MUTATION = re.compile(r"\bmutation\b[\s,]{0,8}\w{0,80}[\s,]{0,8}[({@]")
GRAPHQL_QUIET = re.compile(r"#[^\n]*|\"[^\"\n]*\"")
DANGER = re.compile(
    r"(?:^|[;&|`(!] ?)(?:sudo )?(?:rm -|mkfs|dd if=|chmod [-+0-7ugoa]|chown \w+[: ]|kill -|"
    r"killall )|"
    r"\.(?:delete(?:one|many)|dropdatabase|dropindex\w*|dropcollection|remove|drop|insert(?:one|"
    r"many)?|"
    r"update(?:one|many)?|replaceone|findoneand\w+|findandmodify|bulkwrite|renamecollection|"
    r"createindex\w*|createcollection|deleteindex|drop_index)\(|\bos\.(?:system|remove|unlink|"
    r"rmdir|"
    r"popen|kill|exec)|shutil\.|subprocess\.|__import__|\.system\(|child_process|\bfs\.(?:unlink|"
    r"rm|write)|rmtree|"
    r"_(?:delete|update)_by_query|/_(?:bulk|update|forcemerge|rollover|shrink|reindex)\b|"
    r"^(?:post|put|patch|delete) (?:/|https?:|[\w.*-]+/_)|"
    r"\$(?:out|merge)[\"']? ?:|\.(?:admin|run)command\( ?\{ ?[\"']?(?:shutdown|drop|delete|insert|"
    r"update|create|kill|findandmodify|repl|fsync|setparameter)|"
    r"\bopen\([^()]{1,200}, ?[\"'][wax]|\b(?:fetch|axios|ajax)\([^;]{0,200}"
    r"\bmethod[\"']? ?: ?[\"'](?:post|put|patch|delete)|"
    r"\b(?:local|session)storage\.(?:clear|setitem|removeitem)\(|"
    r"[?&](?:action|op|operation|cmd|_?method)=(?:delete|remove|drop|post|put|patch|kill|restart|"
    r"terminate|destroy|exec|create|update|stop)|\| ?(?:delete|outputlookup|collect|sendemail)\b|"
    r"\|> ?to\("
)
