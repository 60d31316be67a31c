"""The words of a tool's name: which harm, which read, and which only look like one of them."""

import re

HARM, HARMED, PURE, NOUNY, MOVED, NOUNISH, READ, WEAK, JOIN, PLAIN = range(10)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


CORE = word_set(
    "delete drop remove kill terminate destroy rollback revert patch apply exec execute restart"
    " scale cordon drain"
)

# As bad as the core: they block even behind a read verb.
STRONG = word_set("""
    abolish abort annihilate axe blackhole bonk borrar bulldoze chattr chown clean cleanup clear
    clobber cripple cull dd deallocate decimate decommission degrade del deleteall delist delt
    demolish depose deprovision dereg deregister destory destruir detener discard dismantle dispose
    ditch dropall effacer elimina eliminar eliminare eliminate entfernen eradicate erase evacuate
    evict excluir exectue expel expunge exterminate extinguish factoryreset fdisk flush forget
    hardreset hdel hijack impersonate incinerate invalidate jettison kexec killall liquidate
    lockdown loschen mkfs nix nuke nullify obliterate offboard oust overwrite passwd pkill
    powercycle poweroff prune pulverize purge ravage raze reap reapply reboot redelete redemarrer
    reexecute reimage reiniciar reinstall removeall remvoe repartition rescale revoke rewind rm
    rmdir rmi rmrf rmv ruin sabotage scorch scrub scuttle shred shutdown sigkill sigterm slay smash
    smite squash srem sudo supprimer taskkill teardown teminate tombstone trunc truncate unalive
    uncordon undeploy undo uninstall unlink unload unprovision unpublish unreg unregister unroll
    unwind vaccum vandalize vaporize verwijderen whack wipe wipeout wreck xdel yank yeet zeroize
    zrem
""")

# Verbs that are never nouns: behind a read verb they need a describing noun after them.
PURE_VERBS = word_set("""
    abandon accept acknowledge acquire activate add adjust administer admit allocate allow amend
    annotate append approve arm assign assume attach authorize backfill ban bind bootstrap bump buy
    cancel categorize checkin checkout chgrp chmod choose click close collapse commandeer configure
    confirm consume converge convoke create curtail cut deactivate deauthorize decline decouple decr
    defer defrag defragment deliver demote deny dequeue detach dial disable disallow disarm
    disassociate disband disconnect dislike dismiss dispense displace disrupt dissociate distribute
    divert donate drag edit elevate embargo emit enable encrypt enforce engage enqueue enroll
    escalate establish evaluate expand expire expose extend fill finalize finish fix force freeze
    fulfil fulfill groupmod hibernate hide hotfix hotswap hset hup ignore incr incrby inflict ingest
    init initialize initiate inject insert install instantiate invoke kick kickoff liberate lpop
    lpush ltrim make manage mark migrate modify mount mset mutate mute navigate nominate notify
    nudge offload onboard optimize overload overrule pause pay penalize perform persist pexpire plug
    poison postpone ppv preempt prepare prepend press proceed prohibit promote provision publish
    quiesce raise rebalance rebase rebuild recompute reconcile reconnect recover redeem redeploy
    reduce reelect reformat refresh regenerate reimport reindex reinit reinitialize reissue reject
    rekey relabel relaunch relinquish reload relocate remap remediate rename renew renice reopen
    reorder replace replay repoint repost reprocess requeue rerun reschedule resize resolve respawn
    respond restore restrict resync retag retract retry rotate rpop rpush sadd save seal seize send
    setex setnx settle setup sever shrink shuffle sighup sign snooze spawn spop steal stow strip
    submit subscribe subtract supersede suppress surrender suspend switch tamper throttle toggle
    transact umount unarchive unblock uncheck undelete undrain unfollow unlock unmask unmerge unpin
    unquarantine unschedule unset unshare unstage unsync untag untaint untrack upsert usermod wire
    withdraw withhold write xadd zadd
""")

# Verbs that are also nouns: behind a read verb they are taken as nouns.
NOUNY_VERBS = word_set("""
    absorb accelerate ack actuate adopt advance agitate alter amputate annul appoint arbitrate
    archive assassinate associate attack authorise automate autoscale award backport backup bash
    blacklist blast block book boost bounce broadcast build burn bust bypass calibrate call capture
    change chaos charge checkpoint cherrypick chop chroot chuck circulate claim clone coerce combine
    commence comment commit compact compensate complete compress concat conceal condemn confiscate
    conscript consolidate contaminate control copy corrupt cp crash crontab cultivate cutover debar
    debit debug decelerate decontaminate decrease decrement decrypt dedicate deduct dedupe deface
    defeat defraud defund delay delegate demand demerge deorbit depart deplete deploy deport deposit
    depower deprecate depress deprive deschedule deselect detain detonate detune devalue devastate
    dictate dilute dim dip discharge disclose disembark disengage disenroll dislodge dismount
    dispatch disqualify disseminate dissolve distort disturb dlt downgrade downrank downscale dub
    duplicate eject empower endorse enhance enlist enrich enrol enter entitle escrow eval exchange
    exclude execv exempt exhaust exonerate expedite explode exploit expropriate fabricate facilitate
    failback failover fasten federate flag flash flatten fling fmt follow forfeit fork formulate
    forward gc getdel getex getset grant halt handle harden harm heal hire hydrate ignite illuminate
    impair impede implant implement import impose impound imprison improve incite increase increment
    infect infiltrate inflate inhibit inoculate ins instigate integrate intercept interrupt
    intervene intimidate inundate invade invest invite irrigate isolate jettison join label launch
    lease leave lend lessen like litigate ln lock lockout login logout lubricate manipulate match
    mediate medicate meld mend merge mint mirror mitigate mk mkdir mock moderate move mutation
    mutilate mv negate negotiate obfuscate obscure obsolete obstruct occupy omit operate orchestrate
    originate outsource overcharge overhaul overheat override overthrow overturn payout penetrate
    permit perpetuate pin pollute pop populate post powershell preload presign prioritize procure
    produce prolong propagate prosecute pull purchase push put quarantine quash quit react realign
    rearm reauth rebate rebrand recast reclaim recreate recruit recycle redact redirect redo redrive
    refinance refit refund refurbish refuse register regulate rehabilitate reimburse reinforce
    reinstate rejuvenate release relieve remit remodel renovate renumber repack repaint repair
    repatriate repeal repel repl replenish replicate reply repossess repurpose request reroute
    rescind reserve reset reshape restage restock restructure resume resurrect retain retarget
    retire retool retrain retrofit revamp reward rework roll rollout rst run sacrifice salvage
    sanction saturate schedule scramble scrap seclude seed segregate sell set settle sh shackle
    share sharpen shell shelve shift ship sideload signal silence snd spawnv split spoof spray stake
    star start stash steer stimulate stop store strand strengthen subjugate sublet substitute
    subvert sue suffocate summon sunset surrender swamp swap sweep swipe symlink sync synchronize
    tag taint tap thaw throw tighten tilt toss touch trade transfer transfuse transition translocate
    trash trigger trim tuck tune tweak tweet unbox unbundle unfreeze unhook unify unleash unlist
    unpack unpair unplug unsend unsuspend untrust unwrap unzip upd update upend upgrade upload
    uproot upscale vacate vacuum vend ventilate veto vibrate violate void vote wake weaken wean
    whitelist withhold zap zero zsh
""")

READ_VERBS = word_set("""
    analyse analyze ask audit average browse calculate can cat check compare compute count decode
    describe detect determine diagnose diff dig discover display does download enumerate estimate
    examine exists explain fetch find forecast geocode get glance grep had has head how identify
    inspect introspect investigate is lint list lookup lookups ls measure monitor observe parse peek
    ping predict preview profile query read recommend retrieve review scan search select show
    status_of suggest sum summarise summarize tail tally trace track translate validate verify view
    was watch were what where which who whoami
""")

# They make a name look like a question, but do not turn a later verb into a noun.
WEAK_READS = word_set("""
    checking checks convert counting counts describes describing details df du dump events fetches
    fetching finding finds gets getting health history info information inspecting inspects listing
    lists log logs metrics overview plan ps pwd queries querying reading reads render report
    reports screenshot searches searching showing shows snapshot stat statistics stats status
    summary time top tree uptime usage version versions viewing views weather
""")

JOINERS = word_set("and or then plus also else n followed thenceforth afterwards maybe optionally")

# Nouns that make a pure verb before them an adjective: get_create_time, list_publish_history.
_DESCRIPTORS = word_set("""
    access activity address ahead amplification availability by capacity config
    configuration count date details docs documentation eligibility error event example form guide
    help history id info instructions iops job latency limit link list log metric mode note only
    option permission point policy preview price progress queue quota rate ratio reason report
    request requirements result rights schedule schema settings speed state stats status suggestions
    template throughput ticket time timeout timestamp trail type url version window
""")

_HARMLESS = word_set("""
    active advanced affiliate aggregate airdrop airdrops allowed allowlist alternate amplify
    anyscale approximate armor assignees assignments attachments autocomplete autoscaler autoscalers
    autoscaling autosuggest backdrop backdrops baptize blocklist booking bookmark bookmarks
    bootstrapper broker building buyer buzzkill caller cancellation candidate changeset charger
    clarify classify cleartext clickstream climate committee consumer controller corporate correlate
    crawl current databricks dataset deliverable delivery denormalize deployment deployments
    deserialize determinate dispatcher dispatching drainage dropbox dropdown dropdowns droplet
    droplets dropoff dropout dropouts dropzone eavesdrop editor editorconfig encode enterprise
    estate executable executables executive executives extended extract fixed flagship flusher
    follower following forwarding franchise generate glob grayscale greyscale hash holder htpasswd
    indeterminate inform injector installations intermediate interpolate keypress kickstart
    kickstarter killjoy latest logstash maize makefile managed manager marker mkdocs multiscale
    netlify next normalize notebook ocr onboarding overkill painkiller patchwork payroll persistence
    pincode pinpoint postcode postfix postgres preliminary previous private prize proceedings
    provisioning publisher quantify raindrop raindrops reactor recall recent registered rejected
    rejection replacement reserved restricted revertible roadkill runbook runbooks runtime runtimes
    scalene scaler scaleway scheduling scrape scrollback seller serialize setpoint setting shared
    sharepoint shipping shopify simulate skill skills skillset snowdrop spotify starlink startpage
    stopwatch stored subscriber swiper tagline tailscale teardrop temperature textbook timescale
    timescaledb tokenize trademark trader trading transaction trashcan ultimate undeleted unmanaged
    upskill vendor visualise visualize wipers withdrawal
""")

_ATTRIBUTES = word_set("""
    all code data directory id key list memory name path policy rate schema size space state storage
    template text traffic type url value version
""")
_OBJECTS = word_set("""
    account admin agent alarm alert all app artifact auto batch bot branch bucket bulk cache
    calendar card cert certificate channel cluster cm cmd code collection column command config
    configmap connection container contract credential cron cronjob customer dashboard data database
    db deploy deployment device dir directory disk dns doc document domain email entity entry env
    environment event everything file firewall folder force function group host id image incident
    index instance invoice issue item job key kube lambda line link logs mail mailbox mass member
    memory message model module multi my name namespace namespaced network node note object old org
    organization orphan package page partition password path permission pipeline plugin pod policy
    pool port pr print process prod project pullrequest pv pvc query queue rc record region replica
    repo repository resource rf role route row rs rule schema script secret server service session
    shard sheet site snapshot space sql stack state status storage stream subscription svc table
    task team template tenant text the thread ticket token tool topic traffic user value var
    variable view vm volume vpc webhook wiki workflow workspace zombie
""")

# What a verb nobody knows acts on: anonymize_user, triage_issue; not what a noun has: page_id.
THINGS = (_OBJECTS - _ATTRIBUTES) | word_set("""
    alias application asset backup bill bucket build buyer car cart company computer cookie customer
    door driver employee export firmware host identity integration invite kernel label lamp license
    light listing lock machine meeting monitor notification order parameter param patient payment
    person phone post product profile program property quota registry release reminder report
    reservation run seller setting share shipment stock stream student supplier switch tab
    target thermostat trade transaction trigger vehicle vendor wallet watch window worker zone
""")
# Nouns that act when they stand before such a thing.
LEADING = word_set("""
    dm drive email fire index invoice link load mail message new pair page partition phone pool
    process queue rate reg return short sms stream term text triage
""")
# Within a run-together word these are nouns: taskrun, blogpost.
COMPOUNDING = word_set("""
    block book build call commit copy exchange flag fork label lock merge mirror move post pull
    push put reply request run set share ship signal stake star stash store sync tag trade transfer
""")

# Two words that are one noun (left) and two harmless words that together are harm (right).
_NOUN_PAIRS = word_set("""
    access_control add_on app_store blog_post build_log call_graph call_hierarchy change_log
    change_request change_set check_run commit_history daemon_set data_set data_store deploy_log
    dns_resolve exchange_rate key_store like_count make_model merge_request pull_request record_set
    release_history release_notes replica_set resolve_address resolve_dns resolve_domain
    resolve_host resolve_hostname resolve_ip resolve_library resolve_name resolve_reference
    resolve_symbol resolve_url result_set rollout_history rollout_status rule_set share_price
    source_control stateful_set tool_set vector_store version_control
""")
HARM_PAIRS = word_set("""
    airdrop_token airdrop_tokens back_out blank_disk break_glass breaker_open breaker_trip
    bring_down bring_offline browser_close browser_drag browser_install browser_type bucket_empty
    bulk_email bulk_message cast_vote check_off check_out cherry_pick compose_up connect_device
    cut_off cycle_power disk_format do_action do_command do_it do_job do_operation do_task do_work
    door_open email_customer email_team email_user empty_bin empty_bucket empty_folder empty_queue
    empty_trash end_call end_meeting end_process end_session end_task fail_over fine_tune fire_event
    fire_missile format_device format_disk format_drive format_filesystem format_node
    format_partition format_storage format_usb format_volume free_memory fs_format garage_open
    garbage_collect gate_open generate_access generate_api generate_certificate generate_credential
    generate_credentials generate_key generate_password generate_secret generate_token get_rid
    go_live index_codebase index_document index_documents index_files index_repository issue_card
    issue_certificate issue_credential issue_credit issue_refund issue_token keyboard_type kick_off
    knock_down light_off light_on load_backup load_data load_dump load_extension lock_down log_in
    log_out mass_email mass_message mode_off mode_on model_train open_account open_browser open_case
    open_channel open_connection open_conversation open_door open_firewall open_garage open_gate
    open_incident open_issue open_port open_position open_pr open_pull open_session open_ticket
    open_trade open_valve order_pizza order_place page_oncall page_user place_bid place_order
    place_trade power_cycle power_down power_off power_on process_kill process_order process_payment
    process_refund pulumi_up put_back queue_empty remote_command rm_rf roll_forward roll_out
    scale_down scale_out scale_up select_into select_option send_off set_up shut_down sign_in
    sign_off sign_out spin_down spin_up stack_down stack_up step_down switch_off switch_on
    system_sleep take_down take_offline tear_down text_user ticket_solve train_model turn_off
    turn_on type_text use_tool vagrant_up valve_open wake_on write_off zero_out
""")

# What a verb of harm leaves behind: after a read verb, get_drop_rate asks for a number.
_TRACES = word_set("""
    candidate cause compliance count date duration factor frequency history info interval latency
    limit percentage policy privilege protection rate ratio reason result schedule status summary
    threshold time timeout timestamp window
""")
# A verb of harm and a thing, that are one noun behind a read verb; elsewhere they are not.
_READ_PAIRS = word_set("""
    apply_history buy_order delete_history delete_marker delete_permission delete_policy
    drain_history exec_summary execute_permission kill_history kill_switch patch_history patch_level
    patch_note patch_notes patch_version purge_history purge_policy remove_history restart_history
    restart_policy revert_history rollback_history rollback_plan rollback_point rollback_policy
    scale_history scale_policy
""")

_HARMED = word_set("""
    applier cleaner decommissioning deleter deletion deletions deprovisioning destroyer destroyers
    destruction drainer drainers dropper eraser erasure erasures eviction evictions execution
    executions executor executors invalidation invalidations killer killers overwritten overwrote
    patcher patchers purger redeletion removal removals remover restarter reversion reverter
    revocation revocations rollbacker rolledback shredder termination terminations terminator
    truncation truncations undid undoing undone uninstallation wiper withdrawn
""")
_MOVED = word_set("""
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
READ_PAIRS = _plural(_READ_PAIRS) | {
    pair
    for verb in CORE | STRONG
    for pair in (f"can_{verb}", *(f"{verb}_{trace}" for trace in _plural(_TRACES)))
}
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
_CJK_HARD = word_set("""
    削除 消去 再起動 実行 強制終了 無効化 停止 刪 删 殺 杀 砍 毀 毁 移除 去除 清除 清空 清理 清掉
    抹除 抹掉 擦除 重啟 重启 重開機 重开机 重新啟動 重新启动 終止 终止 中止 強制停止 强制停止
    結束進程 结束进程 銷毀 销毁 摧毀 回滾 回滚 回退 還原 还原 復原 撤銷 撤销 撤回 卸載 卸载
    解除安裝 卸除 驅逐 驱逐 排空 封鎖節點 擴容 扩容 縮容 缩容 擴縮 扩缩 套用 應用變更 应用变更
    打補丁 打补丁 修補 修补 關機 关机 覆寫 覆盖 覆蓋 截斷 截断 格式化 註銷 注销 廢除 废除 吊銷 吊销
    淘汰 剔除 停機 停机 下線 下线 丟棄 丢弃 降級 降级 踢出 抹去 拆除 廢棄 废弃 停止 關閉 关闭
    应用到 應用到 消除
""")
_CJK_SOFT = word_set("""
    執行 执行 運行 运行 建立 創建 创建 新增 添加 更新 修改 變更 变更 更改 寫入 写入 發送 发送 寄送
    傳送 推送 部署 發布 发布 發佈 上傳 上传 合併 合并 啟動 启动 開啟 开启 停用 禁用 啟用 启用 授權
    授权 轉帳 转账 付款 支付 退款 匯款 核准 批准 暫停 暂停 恢復 恢复 鎖定 锁定 解鎖 解锁 重設 重置
    設置 设置 安裝 安装 匯入 导入 導入 移動 移动 重命名 重新命名 觸發 触发 調用 调用 呼叫 同步 提交
    送出 回覆 回复 編輯 编辑 插入 替換 替换 升級 升级 遷移 迁移 取消 拒絕 拒绝 應用 应用 改名 切換
    切换 標記 标记 隔離 隔离 封鎖 封锁 綁定 绑定 掛載 挂载 寫 写 設定 启停 啟停 擴展 扩展 縮放 缩放
    停掉
""")
_CJK_READ = word_set("""
    查詢 查询 查看 查找 查 取得 獲取 获取 列出 讀取 读取 讀 读 搜尋 搜索 檢視 檢查 检查 顯示 显示
    瀏覽 浏览 統計 统计 計算 计算 分析 比較 比较 監控 监控 描述 檢索 检索 預覽 预览 驗證 验证 診斷
    诊断 取
""")
_CJK_JOIN = word_set("並 并 且 後 后 再 然後 然后 及 和 與 与 或")
_CJK_NOUNS = word_set(
    "應用程式 应用程序 應用服務 执行器 執行緒 執行個體 關閉狀態 清單 清单 取樣 後端 后端"
)
_CJK_TRACES = word_set("次數 次数 原因 狀態 状态 時間 时间")

_CJK_KINDS = (
    dict.fromkeys(_CJK_SOFT, NOUNY)
    | dict.fromkeys(_CJK_READ, READ)
    | dict.fromkeys(_CJK_JOIN, JOIN)
    | dict.fromkeys(_CJK_NOUNS, PLAIN)
    | dict.fromkeys(_CJK_HARD, HARM)
    | {verb + trace: PLAIN for verb in _CJK_HARD for trace in _CJK_TRACES}
    | {mark + verb: HARMED for verb in _CJK_HARD for mark in "已被"}
)
CJK_WORDS = "|".join(sorted(_CJK_KINDS, key=len, reverse=True))
KINDS = _kinds() | _CJK_KINDS
HARMS = CORE | STRONG
INNER_WORDS = KINDS.keys() - word_set("rm dd mv cp ln mk sh")
HARMFUL = frozenset(word for word, kind in KINDS.items() if kind in (HARM, HARMED))
LONGEST = 14
LONG_HARMS = tuple(sorted(word for word in HARMS if len(word) >= 6))
EDGE_HARMS = tuple(
    harm
    for harm in CORE | word_set("abort erase evict flush nuke prune purge shred wipe")
    if len(harm) < 6
)
# What turns a verb into a noun or adjective: performance, installable.
NOMINAL = re.compile(
    "(able|ably|ability|ment|ance|ancy|ence|ation|ion|ional|ive|al|ant|ent|ness|or|age|y|ie)s?"
)
# How verbs are made of other words: anonymize, finalise, gamify.
VERBAL = re.compile("[a-z]{3,}(?:(?<!s)ize|(?:al|an|on|im|in)ise|ify)")
LONG_VERBS = tuple(sorted(word for word in PURE_VERBS | NOUNY_VERBS if len(word) >= 6))
LONG_READS = tuple(sorted(word for word in READ_VERBS if len(word) >= 3 and word != "can"))
SQUEEZED_HARMS = frozenset(squeeze(harm) for harm in HARMS if len(harm) > 3)
MASKS = tuple(sorted(w for w in HARMLESS if any(h in w for h in LONG_HARMS + EDGE_HARMS)))
