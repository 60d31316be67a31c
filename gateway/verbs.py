"""The words of harm: verbs, nouns, look-alike letters, and the commands that only read."""

import re
import unicodedata

HARM, HARMED, PURE, NOUNY, MOVED, NOUNISH, READ, WEAK, JOIN, PLAIN = range(10)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


CORE = _set(
    "delete drop remove kill terminate destroy rollback revert patch apply exec execute restart"
    " scale cordon drain"
)

# As bad as the core: they block even behind a read verb.
STRONG = _set("""
    abolish abort annihilate axe blackhole bonk borrar bulldoze chattr chown clean cleanup clear
    clobber cripple cull dd deallocate decimate decommission degrade del deleteall delist delt
    demolish depose deprovision deregister destory discard dismantle dispose ditch dropall effacer
    eliminate entfernen eradicate erase evacuate evict exectue expel expunge exterminate extinguish
    factoryreset fdisk flush forget hardreset hdel hijack impersonate incinerate invalidate
    jettison kexec killall liquidate lockdown loschen mkfs nix nuke nullify obliterate offboard
    oust overwrite passwd pkill powercycle poweroff prune pulverize purge ravage raze reap reapply
    reboot redelete reexecute reimage reinstall removeall remvoe repartition rescale revoke rewind
    rm rmdir rmi rmrf rmv ruin sabotage scorch scrub scuttle shred shutdown sigkill sigterm slay
    smash smite squash srem sudo supprimer taskkill teardown teminate tombstone trunc truncate
    unalive uncordon undeploy undo uninstall unlink unload unprovision unpublish unregister unroll
    unwind vaccum vandalize vaporize whack wipe wipeout wreck xdel yank yeet zeroize zrem
""")

# Verbs that are never nouns: behind a read verb they need a describing noun after them.
PURE_VERBS = _set("""
    abandon accept acknowledge acquire activate add adjust administer admit allocate allow amend
    annotate append approve arm assign assume attach authorize backfill ban bind bootstrap bump buy
    cancel categorize checkin checkout chgrp chmod choose click close collapse commandeer configure
    confirm consume converge convoke create curtail cut deactivate deauthorize decline decouple
    decr defer defrag defragment deliver demote deny dequeue detach dial disable disallow disarm
    disassociate disband disconnect dislike dismiss dispense displace disrupt dissociate distribute
    divert donate drag edit elevate embargo emit enable encrypt enforce engage enqueue enroll
    escalate establish evaluate expand expire expose extend fill finalize finish fix force freeze
    fulfill groupmod hibernate hide hotfix hotswap hset hup ignore incr incrby inflict ingest init
    initialize initiate inject insert install instantiate invoke kick kickoff liberate lpop lpush
    ltrim make manage mark migrate modify mount mset mutate mute navigate nominate notify nudge
    offload onboard optimize overload overrule pause pay penalize perform persist pexpire plug
    poison postpone ppv preempt prepare prepend press proceed prohibit promote provision publish
    quiesce raise rebalance rebase rebuild recompute reconcile reconnect recover redeem redeploy
    reduce reelect reformat refresh reimport reindex reinit reinitialize reissue reject rekey
    relabel relaunch relinquish reload relocate remap remediate rename renew renice reopen reorder
    replace replay repoint repost reprocess requeue rerun reschedule resize resolve respawn respond
    restore restrict resync retag retract retry rotate rpop rpush sadd save seal seize send setex
    setnx setup sever shrink shuffle sighup sign snooze spawn spop steal stow strip submit
    subscribe subtract supersede suppress surrender suspend switch tamper throttle toggle transact
    umount unarchive unblock uncheck undelete undrain unfollow unlock unmask unmerge unpin
    unquarantine unschedule unset unshare unstage unsync untag untaint untrack upsert usermod wire
    withdraw withhold write xadd zadd
""")

# Verbs that are also nouns: behind a read verb they are taken as nouns.
NOUNY_VERBS = _set("""
    ack advance alter archive associate attack authorise autoscale award backup bash blast block
    book boost bounce build burn bypass call capture change chaos charge checkpoint cherrypick
    chroot chuck claim clone comment commit compact complete control copy corrupt crash crontab
    cutover debit debug decrease decrement delegate demand deploy deposit dispatch dlt downgrade
    downscale duplicate eject enrol eval exchange execv exploit failback failover flag follow fork
    forward gc getdel getex getset grant halt handle hire import increase increment interrupt
    invite isolate join label launch lease leave like lock login logout merge mint mirror move
    mutation obsolete override payout permit pin post powershell produce pull push put quarantine
    react rebate recycle redirect refund register release repair repl reply request reroute reserve
    reset resume retire reward roll rollout run schedule seed sell set share shell shift ship
    signal silence spawnv split stake star start stash stop store sunset swap sweep swipe sync
    synchronize tag taint tap toss trade transfer transition trash trigger tweet update upgrade
    upload upscale vacuum void vote zap zero zsh
""")

READ_VERBS = _set("""
    analyse analyze ask audit average browse calculate can cat check compare compute count decode
    describe detect determine diagnose diff dig discover display does download enumerate estimate
    examine exists explain fetch find forecast geocode get glance grep has head how identify
    inspect introspect investigate is lint list lookup lookups ls measure monitor observe parse
    peek ping predict preview profile query read recommend retrieve review scan search select show
    status_of suggest sum summarise summarize tail tally trace track translate validate verify view
    watch what where which who whoami
""")

# They make a name look like a question, but do not turn a later verb into a noun.
WEAK_READS = _set("""
    checking checks convert counting counts describes describing details df du dump events fetches
    fetching finding finds gets getting health history info information inspecting inspects listing
    lists log logs metrics overview plan ps pwd queries querying reading reads render report
    reports screenshot searches searching showing shows snapshot stat statistics stats status
    summary time top tree uptime usage version versions viewing views weather
""")

JOINERS = _set("and or then plus also else n followed thenceforth afterwards maybe optionally")

# Nouns that make a pure verb before them an adjective: get_create_time, list_publish_history.
_DESCRIPTORS = _set("""
    access activity ahead amplification availability by capacity config configuration count date
    details docs documentation eligibility error event example form guide help history id info
    instructions iops job latency limit link log metric mode note only option permission point
    policy preview progress queue quota rate ratio reason report request requirements result rights
    schema settings speed state stats status suggestions template throughput ticket time timestamp
    trail type url version window
""")

_HARMLESS = _set("""
    advanced airdrop airdrops allowed allowlist anyscale armor assignees assignments attachments
    autocomplete autoscaler autoscalers autoscaling autosuggest backdrop backdrops blocklist
    booking bookmark bookmarks bootstrapper building buyer buzzkill caller cancellation changeset
    charger cleartext clickstream committee consumer controller databricks dataset deliverable
    delivery deployment deployments determinate dispatch dispatcher dispatching drainage dropbox
    dropdown dropdowns droplet droplets dropoff dropout dropouts dropzone eavesdrop editor
    editorconfig executable executables executive executives extended fixed flagship flusher
    follower following forwarding grayscale greyscale holder htpasswd indeterminate inform injector
    installations keypress kickstart kickstarter killjoy logstash makefile managed manager marker
    multiscale notebook onboarding overkill painkiller patchwork payroll persistence pincode
    pinpoint postcode postfix postgres preliminary proceedings provisioning publisher raindrop
    raindrops reactor registered rejected rejection replacement reserved restricted revertible
    roadkill runbook runbooks runtime runtimes scalene scaler scaleway scheduling scrollback seller
    setpoint setting shared sharepoint shipping skill skills skillset snowdrop starlink startpage
    stopwatch stored subscriber swiper tagline tailscale teardrop textbook timescale timescaledb
    trademark trader trading transaction trashcan undeleted unmanaged upskill wipers withdrawal
""")

_OBJECTS = _set("""
    account admin agent alarm alert all app artifact auto batch bot branch bucket bulk cache
    calendar card cert certificate channel cluster cm cmd code collection column command config
    configmap connection container contract credential cron cronjob customer dashboard data
    database db deploy deployment device dir directory disk dns doc document domain email entity
    entry env environment event everything file firewall folder force function group host id image
    incident index instance invoice issue item job key kube lambda line link logs mail mailbox mass
    member memory message model module multi my name namespace namespaced network node note object
    old org organization package page partition password path permission pipeline plugin pod policy
    pool port pr print process prod project pullrequest pv pvc query queue rc record region replica
    repo repository resource rf role route row rs rule schema script secret server service session
    shard sheet site snapshot space sql stack state status storage stream subscription svc table
    task team template tenant text the thread ticket token tool topic traffic user value var
    variable view vm volume vpc webhook wiki workflow workspace
""")

# Within a run-together word these are nouns: taskrun, blogpost.
COMPOUNDING = _set("""
    block book build call commit copy exchange flag fork label lock merge mirror move post pull
    push put reply request run set share ship signal stake star stash store sync tag trade transfer
""")

# Two words that are one noun (left) and two harmless words that together are harm (right).
_NOUN_PAIRS = _set("""
    access_control add_on app_store blog_post build_log call_graph call_hierarchy change_log
    change_request change_set check_run commit_history daemon_set data_set data_store deploy_log
    dns_resolve exchange_rate key_store like_count make_model merge_request pull_request record_set
    release_history release_notes replica_set resolve_address resolve_dns resolve_domain
    resolve_host resolve_hostname resolve_ip resolve_library resolve_name resolve_reference
    resolve_symbol resolve_url result_set rollout_history rollout_status rule_set share_price
    source_control stateful_set tool_set vector_store version_control
""")
HARM_PAIRS = _set("""
    back_out blank_disk break_glass bring_down bring_offline browser_close browser_drag
    browser_install browser_type cast_vote check_off check_out compose_up connect_device cut_off
    cycle_power disk_format email_customer email_team email_user empty_bin empty_bucket
    empty_folder empty_queue empty_trash end_call end_meeting end_process end_session end_task
    fail_over fine_tune fire_event fire_missile format_device format_disk format_drive
    format_filesystem format_node format_partition format_storage format_usb format_volume
    free_memory fs_format generate_access generate_api generate_certificate generate_credential
    generate_credentials generate_key generate_password generate_secret generate_token get_rid
    go_live index_codebase index_document index_documents index_files index_repository issue_card
    issue_certificate issue_credential issue_credit issue_refund issue_token kick_off knock_down
    load_data load_extension lock_down log_in log_out open_account open_browser open_case
    open_channel open_connection open_conversation open_door open_firewall open_garage open_gate
    open_incident open_issue open_port open_position open_pr open_pull open_session open_ticket
    open_trade open_valve order_pizza order_place page_oncall page_user place_bid place_order
    place_trade power_cycle power_off power_on process_kill process_order process_payment
    process_refund pulumi_up put_back remote_command rm_rf roll_forward roll_out scale_down
    scale_out scale_up select_option send_off set_up shut_down sign_in sign_off sign_out spin_down
    spin_up step_down switch_off switch_on take_down take_offline tear_down text_user train_model
    turn_off turn_on type_text use_tool vagrant_up wake_on write_off zero_out
""")

_HARMED = _set("""
    applier cleaner decommissioning deleter deletion deletions deprovisioning destroyer destroyers
    destruction drainer drainers dropper eraser erasure erasures eviction evictions execution
    executions executor executors invalidation invalidations killer killers overwritten overwrote
    patcher patchers purger redeletion removal removals remover restarter reversion reverter
    revocation revocations rollbacker rolledback shredder termination terminations terminator
    truncation truncations undid undoing undone uninstallation wiper withdrawn
""")
_MOVED = _set("""
    sent sending wrote written paid made gave given bought sold sought rewrote rewritten putting
    setting_up ran shut began froze frozen unfrozen stole stolen rebuilt resent spent withdrew hid
    hidden forgotten forgot chosen chose withheld overrode overridden
""")


def _forms(verb: str) -> dict[str, tuple[str, ...]]:
    """Inflect regularly: third person, past and gerund, agent."""
    if verb.endswith("e"):
        return {"s": (verb + "s",), "ed": (verb + "d", verb[:-1] + "ing"), "er": (verb + "r",)}
    if verb.endswith("y") and verb[-2:-1] not in "aeou":
        stem = verb[:-1]
        return {"s": (stem + "ies",), "ed": (stem + "ied", verb + "ing"), "er": (stem + "ier",)}
    s = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s")
    last = verb + verb[-1]
    return {
        "s": (s,),
        "ed": (verb + "ed", verb + "ing", last + "ed", last + "ing"),
        "er": (verb + "er", last + "er"),
    }


def squeeze(word: str) -> str:
    """Take doubled letters once: killl, kil."""
    return re.sub(r"(.)\1+", r"\1", word)


def _again(verbs: frozenset[str]) -> set[str]:
    """Do it again or take it back: reassign, unblock."""
    return {prefix + verb for verb in verbs for prefix in ("re", "un")} - {"recall", "unlike"}


def _plural(words: frozenset[str]) -> frozenset[str]:
    """Add the plurals."""
    return words | {plural for word in words for plural in _forms(word)["s"]}


DESCRIPTORS, HARMLESS = _plural(_DESCRIPTORS), _plural(_HARMLESS)
OBJECTS = _plural(_OBJECTS)
NOUN_PAIRS = _plural(_NOUN_PAIRS) | {
    f"{verb}_{noun}"
    for verb in ("backup", "build", "deploy", "import", "release", "rollout", "run", "upload")
    for noun in ("status", "history", "list", "view")
}


def _kinds() -> dict[str, int]:
    """Give every known word its kind; the later line wins."""
    table: dict[str, int] = dict.fromkeys(OBJECTS | DESCRIPTORS, PLAIN)
    table |= dict.fromkeys(JOINERS, JOIN) | dict.fromkeys(WEAK_READS, WEAK)
    for kind, verbs in ((NOUNY, NOUNY_VERBS), (PURE, PURE_VERBS)):
        every = verbs | _again(verbs)
        for form in map(_forms, every):
            table |= dict.fromkeys(form["ed"], MOVED) | dict.fromkeys(form["er"], NOUNISH)
            table |= dict.fromkeys((agent + "s" for agent in form["er"]), NOUNISH)
            table |= dict.fromkeys(form["s"], NOUNISH if kind == NOUNY else MOVED)
        table |= dict.fromkeys(every, kind)
    table |= dict.fromkeys(NOUNY_VERBS, NOUNY) | dict.fromkeys(PURE_VERBS, PURE)
    for form in map(_forms, CORE | STRONG):
        table |= dict.fromkeys(form["s"] + form["ed"], HARMED)
    table |= dict.fromkeys(_HARMED, HARMED) | dict.fromkeys(_MOVED, MOVED)
    table |= dict.fromkeys(HARMLESS, PLAIN) | dict.fromkeys(READ_VERBS, READ)
    return table | dict.fromkeys(CORE | STRONG, HARM)


# Chinese, traditional and simplified. Hard words block always; soft ones are nouns after a read.
_CJK_HARD = _set("""
    削除 消去 再起動 実行 強制終了 無効化 停止 刪 删 殺 杀 砍 毀 毁 移除 去除 清除 清空 清理 清掉
    抹除 抹掉 擦除 重啟 重启 重開機 重开机 重新啟動 重新启动 終止 终止 中止 強制停止 强制停止
    結束進程 结束进程 銷毀 销毁 摧毀 回滾 回滚 回退 還原 还原 復原 撤銷 撤销 撤回 卸載 卸载
    解除安裝 卸除 驅逐 驱逐 排空 封鎖節點 擴容 扩容 縮容 缩容 擴縮 扩缩 套用 應用變更 应用变更
    打補丁 打补丁 修補 修补 關機 关机 覆寫 覆盖 覆蓋 截斷 截断 格式化 註銷 注销 廢除 废除 吊銷 吊销
    淘汰 剔除 停機 停机 下線 下线 丟棄 丢弃 降級 降级 踢出 抹去 拆除 廢棄 废弃 停止 關閉 关闭
    应用到 應用到 消除
""")
_CJK_SOFT = _set("""
    執行 执行 運行 运行 建立 創建 创建 新增 添加 更新 修改 變更 变更 更改 寫入 写入 發送 发送 寄送
    傳送 推送 部署 發布 发布 發佈 上傳 上传 合併 合并 啟動 启动 開啟 开启 停用 禁用 啟用 启用 授權
    授权 轉帳 转账 付款 支付 退款 匯款 核准 批准 暫停 暂停 恢復 恢复 鎖定 锁定 解鎖 解锁 重設 重置
    設置 设置 安裝 安装 匯入 导入 導入 移動 移动 重命名 重新命名 觸發 触发 調用 调用 呼叫 同步 提交
    送出 回覆 回复 編輯 编辑 插入 替換 替换 升級 升级 遷移 迁移 取消 拒絕 拒绝 應用 应用 改名 切換
    切换 標記 标记 隔離 隔离 封鎖 封锁 綁定 绑定 掛載 挂载 寫 写 設定 启停 啟停 擴展 扩展 縮放 缩放
    停掉
""")
_CJK_READ = _set("""
    查詢 查询 查看 查找 查 取得 獲取 获取 列出 讀取 读取 讀 读 搜尋 搜索 檢視 檢查 检查 顯示 显示
    瀏覽 浏览 統計 统计 計算 计算 分析 比較 比较 監控 监控 描述 檢索 检索 預覽 预览 驗證 验证 診斷
    诊断 取
""")
_CJK_JOIN = _set("並 并 且 後 后 再 然後 然后 及 和 與 与 或")
_CJK_NOUNS = _set(
    "應用程式 应用程序 應用服務 执行器 執行緒 執行個體 關閉狀態 清單 清单 取樣 後端 后端"
)

_CJK_KINDS = (
    dict.fromkeys(_CJK_SOFT, NOUNY)
    | dict.fromkeys(_CJK_READ, READ)
    | dict.fromkeys(_CJK_JOIN, JOIN)
    | dict.fromkeys(_CJK_NOUNS, PLAIN)
    | dict.fromkeys(_CJK_HARD, HARM)
    | {mark + verb: HARMED for verb in _CJK_HARD for mark in "已被"}
)
CJK_WORDS = "|".join(sorted(_CJK_KINDS, key=len, reverse=True))
KINDS = _kinds() | _CJK_KINDS
HARMS = CORE | STRONG
INNER_WORDS = KINDS.keys() - {"rm", "dd"}
HARMFUL = frozenset(word for word, kind in KINDS.items() if kind in (HARM, HARMED))
LONGEST = 14
LONG_HARMS = tuple(sorted(word for word in HARMS if len(word) >= 6))
EDGE_HARMS = tuple(
    harm
    for harm in CORE | _set("abort erase evict flush nuke prune purge shred wipe")
    if len(harm) < 6
)
# What turns a verb into a noun or adjective: performance, installable.
NOMINAL = re.compile(
    "(able|ably|ability|ment|ance|ancy|ence|ation|ion|ional|ive|al|ant|ent|ness|or|age|y|ie)s?"
)
LONG_VERBS = tuple(sorted(word for word in PURE_VERBS | NOUNY_VERBS if len(word) >= 6))
LONG_READS = tuple(sorted(word for word in READ_VERBS if len(word) >= 3 and word != "can"))
SQUEEZED_HARMS = frozenset(squeeze(harm) for harm in HARMS if len(harm) > 3)
MASKS = tuple(sorted(w for w in HARMLESS if any(h in w for h in LONG_HARMS + EDGE_HARMS)))

# Each Latin letter, then those of other alphabets that pass for it; one not here condemns its name.
_PASSES_FOR = [
    "aаαɑᴀɐɒ",
    "bьβƀɓʙ",
    "cсςϲᴄ",
    "dԁđɖɗᴅδ",
    "eеεєɛəǝᴇɘҽ",
    "fƒꜰ",
    "gɡɢġց",
    "hһнħʜɦ",
    "iіιıɩɪɨⅰ",
    "jјɉᴊϳ",
    "kкκƙᴋ",
    "lӏłɫɭʟǀⅼℓ",
    "mмᴍ",
    "nпηɴɲŋո",
    "oоοσøᴏɵօ",
    "pрρƥᴘ",
    "qԛզ",
    "rгɾʀɹ",
    "sѕꜱʂ",
    "tтτŧƭᴛț",
    "uυμʉᴜսц",
    "vνѵᴠ",
    "wԝωᴡѡ",
    "xхχ",
    "yуγүʏ",
    "zζƶᴢ",
    "AАΑ",
    "BВΒ",
    "CСϹ",
    "EЕΕ",
    "HНΗ",
    "IІΙӀ",
    "JЈ",
    "KКΚ",
    "MМΜ",
    "NΝ",
    "OОΟØ",
    "PРΡ",
    "SЅ",
    "TТΤ",
    "XХΧ",
    "YУΥҮ",
    "ZΖ",
    "DĐÐ",
    "LŁ",
    "QԚ",
    "WԜ",
    "VѴ",
]


def _lookalikes() -> dict[int, str]:
    """Map letters of other alphabets, and boxed ones, to the ASCII letter they look like."""
    table: dict[int, str] = {}
    for letters in _PASSES_FOR:
        table |= {ord(letter): letters[0] for letter in letters[1:]}
    for start in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):
        table |= {start + i: chr(97 + i) for i in range(26)}
    table |= {ord(a): "-" for a in "‐‑‒–—―−⁃·•・‧∙⋅→⇒"}
    for plain, foreign in {"'": "‘’′", '"': "“”″", "ss": "ß", "ae": "æ", "oe": "œ"}.items():
        table |= {ord(letter): plain for letter in foreign}
    table |= dict.fromkeys((8260, 8725, 10744), "/")
    return table


LOOKALIKES = _lookalikes()
IGNORED = {0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0, 0x1D159, 0x17B4, 0x17B5}
LEET = str.maketrans("013456789@$!|+", "oieasbtbgasiit")
# In disguise i and l are one letter, and two letters can pass for one.
ONE_STROKE = {harm.replace("l", "i"): harm for harm in sorted(HARMS)}
TWO_STROKES = (("vv", "w"), ("rn", "m"), ("cl", "d"))


class _Fold(dict[int, str]):
    """Fold each letter to the one it imitates, and drop what cannot be seen."""

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))
        hidden = kind[0] == "M" or kind == "Cf" or code in IGNORED
        self[code] = "" if hidden else " " if kind[0] == "Z" else chr(code)
        return self[code]


_FOLD = _Fold(LOOKALIKES)


def fold(text: str) -> str:
    """Normalise to plain letters, keeping case."""
    return text if text.isascii() else unicodedata.normalize("NFKD", text).translate(_FOLD)


# Programs that only read whatever their arguments, but for those in FORBIDDEN.
READ_PROGRAMS = _set("""
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
_WRITERS = _set("""
    bash chmod chown cp dd eval iptables kill killall mkfs mongo mongosh mount mv mysql nc node
    perl pkill powershell psql pwsh python python3 reboot redis rm rsync ruby scp service sh
    shutdown ssh tee truncate umount wget
""")


def _subcommands() -> dict[str, set[str]]:
    """Read the table above; a program may stand on several lines."""
    table: dict[str, set[str]] = {name: set() for name in _WRITERS}
    for line in _SUBCOMMANDS.strip().splitlines():
        name, _, subs = line.partition(": ")
        table.setdefault(name, set()).update(sub.strip() for sub in subs.split(","))
    for twin, name in (("podman", "docker"), ("nerdctl", "docker"), ("oc", "kubectl")):
        table[twin] = table[name]
    return table


SUBCOMMANDS = _subcommands()
READ_LINES = re.compile(
    r"uniq( -[a-z]+)*( [\w./-]+)?|aws s3 ls.*|aws [a-z\d-]+ (describe|list|get|head|lookup|"
    r"filter)-[a-z\d-]+.*"
    r"|git branch( (-a|-r|-v|-vv|--all|--list|--show-current|--remotes|--merged|--no-merged))*"
    r"|git remote( (-v|show|get-url)( [\w./-]+)?)?|git tag( (-l|--list|-n\d*)( [\w.*/-]+)?)?"
    r"|git reflog( show)?( [\w./@-]+)?|crontab -l|mount( -l)?|hostname( -[fIisd])?|env|"
    r"unzip -[lv] \S+"
    r"|iptables (-[nvt]+ )*-[nv]*[LS][nv]*|sysctl (-a|[a-z][\w.]+)|service [\w.@-]+ status"
    r"|tar -?[zjJv]*t[zjJvf]* \S+|nc -z[vw\d]* [\w.:-]+ \d+|ifconfig( -a| \w+)?|"
    r"[\w./-]+ --(version|help)"
)
WRAPPERS = _set("sudo time nice nohup command timeout")
VALUE_FLAGS = {
    "kubectl": _set("-n --namespace --context --kubeconfig --cluster --user -s --server"),
    "git": _set("-C --git-dir --work-tree"),
    "helm": _set("-n --namespace --kube-context --kubeconfig"),
    "docker": _set("-H --host --context"),
    "gh": _set("-R --repo"),
}

# What keys of arguments mean.
TRUE = _set("1 true yes on y t force always all enabled")
FALSE = _set("false no 0 off none null disabled")
BODY_KEYS = _set("query queries text raw string body command")
HARM_HINTS = ("destructiveHint", "destructive_hint", "destructive", "is_destructive")
READ_HINTS = ("readOnlyHint", "read_only_hint", "readOnly", "read_only")
LIST_TAILS = frozenset(
    f"{read} {verb}"
    for read in ("list", "query", "search", "view", "watch", "scan", "count")
    for verb in ("update", "set", "reset", "start", "stop", "sync", "import")
)
DATABASES = _set("""
    sql postgres postgresql pg mysql mariadb sqlite db database databases bigquery snowflake
    clickhouse redshift duckdb mssql oracle trino presto athena supabase neon cockroach cassandra
    cql neo cypher mongo mongodb influx kusto adx
""")
SEARCHES = _set("search find lookup docs documentation code web wiki issues")
TOOL_TRAITS = (DATABASES, SEARCHES)
STATEMENT_KEYS = _set("sql statement statements stmt ddl dml")
QUERY_KEYS = _set("query q pattern regex name topic path")
PROSE_KEYS = _set("""
    text message messages content description title comment note notes summary prompt question
    reason subject keyword keywords search term terms needle pattern regex grep highlight topic
    phrase
""")
SHELL_KEYS = _set("""
    command commands cmd cmds cmdline script scripts shell bash sh powershell exec cli commandline
""")
OPTION_KEYS = _set("args argv arguments flags options parameters params extra")
CALLEE_KEYS = _set("function func fn procedure tool api")
ACTION_KEYS = CALLEE_KEYS | _set("""
    action actions operation operations op ops verb act method subcommand intent mutation mode
""")
OPEN_MODES = _set("w a w+ a+ r+ rw wb ab write append x")
FLAGS = _set("""
    force forced recursive recurse prune cascade confirm confirmed overwrite commit write save yes
    approve approved autoapprove autocommit inplace
""")
ACT_KEYS = _set("""
    delete remove drop destroy kill terminate purge wipe exec execute truncate deletes updates
    rollback revert insert upsert dropdatabase
""")
MONGO_KEYS = _set("""
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
SQL_READS = _set("""
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


SHELL_SIGN = re.compile(r"[;&|`<>\n]|\$\(")
CURL_READS = re.compile(r" (?:-X ?|--request[ =])(?:GET|HEAD)\b| (?:-o|--output) /dev/null\b")
ESCAPED = re.compile("%[0-9a-fA-F]{2}")
MUTATION = re.compile(r"\bmutation\b[\s,]{0,8}\w{0,80}[\s,]{0,8}[({@]")
GRAPHQL_QUIET = re.compile(r"#[^\n]*|\"[^\"\n]*\"")
DANGER = re.compile(
    r"(?:^|[;&|`(] ?)(?:sudo )?(?:rm -|mkfs|dd if=|chmod [-+0-7ugoa]|chown \w+[: ]|kill -|"
    r"killall )|"
    r"\.(?:delete(?:one|many)|dropdatabase|dropindex\w*|dropcollection|remove|drop|insert(?:one|"
    r"many)?|"
    r"update(?:one|many)?|replaceone|findoneand\w+|findandmodify|bulkwrite|renamecollection|"
    r"createindex\w*|createcollection|deleteindex|drop_index)\(|\bos\.(?:system|remove|unlink|"
    r"rmdir|"
    r"popen|kill|exec)|shutil\.|subprocess\.|__import__|\.system\(|child_process|\bfs\.(?:unlink|"
    r"rm|write)|rmtree|"
    r"_(?:delete|update)_by_query|/_bulk\b|^(?:post|put|patch|delete) (?:/|https?:)|"
    r"[?&](?:action|op|operation|cmd|_?method)=(?:delete|remove|drop|post|put|patch|kill|restart|"
    r"terminate|destroy|exec|create|update|stop)|\| ?(?:delete|outputlookup|collect|sendemail)\b"
)
