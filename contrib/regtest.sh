# shellcheck shell=bash
# A regtest network to try multifundchannel on: one bitcoind and as many lightningd as you like, each with
# the plugin. To be sourced, in bash or zsh:
#
#   $ . contrib/regtest.sh
#   $ start_ln 4              # l1 .. l4; more arguments are options for every lightningd
#   $ fund_nodes              # a coin of 1 BTC for each; `fund_nodes 1 3`: for l1 and l3
#   $ l1-cli getinfo          # l1-cli .. l4-cli, bt-cli: lightning-cli and bitcoin-cli
#   $ open_channels 1 2 3 4   # one batch of l1 to the others, $REGTEST_AMOUNT sat each, six blocks on top
#   $ connect 1 2             # l1 to l2
#   $ ln_address 2            # id@127.0.0.1:port of l2, as multifundchannel takes it
#   $ mine 6                  # blocks, and waits until every node knows them
#   $ l1-log                  # its log
#   $ stop_ln                 # start_ln goes on where it was
#   $ destroy_ln              # stop_ln, and remove everything
#
# Everything lives in $REGTEST_DIR, on loopback, on the ports from $REGTEST_PORT on; give a second network others
# of both. It must be yours alone (mode 0700, no symbolic link), or it is not touched: who can write there would get
# the password of your bitcoind, and start programs as you. Another shell that sources this file with the same
# $REGTEST_DIR works on the same network.
# $MULTIFUNDCHANNEL is the plugin (default: built here, or beside this file); `none` leaves the builtin alone.
# Needs bitcoind, bitcoin-cli, lightningd and lightning-cli (v23.11 or later) on PATH.

# Not below /tmp: there another user could make it first.
if [ -z "${REGTEST_DIR:-}" ]; then
    if [ -n "${XDG_RUNTIME_DIR:-}" ] && [ -O "$XDG_RUNTIME_DIR" ]; then
        REGTEST_DIR=$XDG_RUNTIME_DIR/multifundchannel-regtest
    else
        REGTEST_DIR=${HOME:-}/.multifundchannel-regtest
    fi
fi
REGTEST_PORT=${REGTEST_PORT:-17100} # bitcoind's; lN has this + N
REGTEST_AMOUNT=${REGTEST_AMOUNT:-1000000}

# zsh has the sourced file's name in $0.
_regtest_here=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")" && pwd)

start_ln() {
    local count=2
    if [ $# -gt 0 ]; then
        count=$1
        shift
    fi
    case $count in
        '' | *[!0-9]* | 0*) _regtest_complain "usage: start_ln [NODES] [LIGHTNINGD_OPTION...]" || return 1 ;;
    esac
    _regtest_programs && _regtest_plugin && _regtest_directory && _regtest_start_bitcoind || return 1
    # Of a larger network that was started before, the nodes above `count` are left stopped.
    echo "$count" >"$REGTEST_DIR/nodes"
    _regtest_start_nodes "$@" && _regtest_commands || return 1
    local i
    for i in $(seq "$count"); do echo "l$i: $(ln_address "$i")"; done
    echo "try: fund_nodes; open_channels; l1-cli listpeerchannels; stop_ln; destroy_ln"
}

fund_nodes() {
    local i outputs='' txid
    _regtest_nodes "$@" >/dev/null || return 1
    for i in $(_regtest_nodes "$@"); do
        outputs="$outputs${outputs:+,}\"$(_regtest_cli "$i" newaddr p2tr | _regtest_field p2tr)\":1"
    done
    txid=$(bt-cli sendmany '' "{$outputs}") && mine 1 || return 1
    for i in $(_regtest_nodes "$@"); do
        _regtest_until "l$i to see its coin" _regtest_sees_coin "$i" "$txid" || return 1
    done
}

open_channels() {
    local from=${1:-1} i destinations=''
    if [ $# -gt 0 ]; then shift; fi
    for i in $(_regtest_nodes "$@"); do
        if [ "$i" -ne "$from" ]; then
            destinations="$destinations${destinations:+,}{\"id\":\"$(ln_address "$i")\",\"amount\":$REGTEST_AMOUNT}"
        fi
    done
    _regtest_cli "$from" multifundchannel "[$destinations]" && mine 6 || return 1
    _regtest_until "the channels of l$from to be usable" _regtest_all_usable "$from"
}

connect() {
    _regtest_cli "$1" connect "$(ln_address "$2")"
}

ln_address() {
    local id
    id=$(_regtest_cli "$1" getinfo | _regtest_field id)
    [ -n "$id" ] && echo "$id@127.0.0.1:$((REGTEST_PORT + $1))"
}

mine() {
    local i
    bt-cli -generate "${1:-1}" >/dev/null || return 1
    for i in $(_regtest_nodes); do
        _regtest_until "l$i to see the block" _regtest_synced_or_stopped "$i" || return 1
    done
}

bt-cli() {
    _regtest_ours || return 1
    bitcoin-cli -datadir="$REGTEST_DIR/bitcoind" "$@"
}

stop_ln() {
    local i directory
    _regtest_exists || return 0
    _regtest_ours || return 1
    for i in $(_regtest_nodes); do
        directory=$REGTEST_DIR/l$i
        _regtest_end "$directory/lightningd-regtest.pid" "--lightning-dir=$directory" _regtest_cli "$i" stop || return 1
    done
    _regtest_end "$REGTEST_DIR/bitcoind/regtest/bitcoind.pid" "-datadir=$REGTEST_DIR/bitcoind" bt-cli stop
}

destroy_ln() {
    _regtest_exists || return 0
    _regtest_ours && stop_ln && rm -rf "$REGTEST_DIR"
}

# --- what the above is made of ---

_regtest_complain() {
    echo "regtest.sh: $*" >&2
    return 1
}

_regtest_programs() {
    local program
    for program in bitcoind bitcoin-cli lightningd lightning-cli; do
        command -v "$program" >/dev/null || _regtest_complain "$program is not on PATH" || return 1
    done
}

# Sets and checks $MULTIFUNDCHANNEL.
_regtest_plugin() {
    local place
    for place in "$_regtest_here/../build/multifundchannel" "$_regtest_here/multifundchannel"; do
        if [ -f "$place" ] && [ -x "$place" ]; then MULTIFUNDCHANNEL=${MULTIFUNDCHANNEL:-$place}; fi
    done
    [ -n "${MULTIFUNDCHANNEL:-}" ] ||
        _regtest_complain "no plugin: meson setup build && meson compile -C build, or set MULTIFUNDCHANNEL" || return 1
    [ "$MULTIFUNDCHANNEL" = none ] && return 0
    [ -f "$MULTIFUNDCHANNEL" ] && [ -x "$MULTIFUNDCHANNEL" ] ||
        _regtest_complain "MULTIFUNDCHANNEL: no executable at $MULTIFUNDCHANNEL" || return 1
    MULTIFUNDCHANNEL=$(cd "$(dirname "$MULTIFUNDCHANNEL")" && pwd)/$(basename "$MULTIFUNDCHANNEL")
}

# Whether there is a network, whoever made it.
_regtest_exists() {
    [ -e "${REGTEST_DIR%/}/.multifundchannel-regtest" ] || [ -L "${REGTEST_DIR%/}/.multifundchannel-regtest" ]
}

# Whether the directory with our mark is the caller's, and nobody else can write there. Asked before anything in it is
# read, written, removed or believed.
_regtest_ours() {
    local directory=${REGTEST_DIR%/} mark
    mark=$directory/.multifundchannel-regtest
    [ -d "$directory" ] && [ ! -L "$directory" ] && [ -O "$directory" ] &&
        [ -f "$mark" ] && [ ! -L "$mark" ] && [ -O "$mark" ] || _regtest_not_ours || return 1
    # shellcheck disable=SC2012  # one name, of our own; there is no portable stat
    case $(ls -ld "$directory") in
        drwx------*) ;;
        *) _regtest_not_ours ;;
    esac
}

_regtest_not_ours() {
    _regtest_complain "$REGTEST_DIR is not ours (a directory of yours with mode 0700, made by start_ln); set" \
        "REGTEST_DIR to one that is not there yet"
}

_regtest_directory() {
    if ! _regtest_exists; then
        mkdir -p "$(dirname "$REGTEST_DIR")" && mkdir -m 700 "${REGTEST_DIR%/}" 2>/dev/null ||
            _regtest_not_ours || return 1
        : >"$REGTEST_DIR/.multifundchannel-regtest"
    fi
    _regtest_ours
}

_regtest_start_bitcoind() {
    local directory=$REGTEST_DIR/bitcoind
    if ! _regtest_pid "$directory/regtest/bitcoind.pid" "-datadir=$directory" >/dev/null; then
        mkdir -p "$directory"
        printf '%s\n' regtest=1 server=1 listen=0 dnsseed=0 txindex=1 fallbackfee=0.00001 \
            '[regtest]' "rpcport=$REGTEST_PORT" >"$directory/bitcoin.conf"
        bitcoind -datadir="$directory" -daemonwait >"$directory/out" 2>&1 ||
            _regtest_complain "bitcoind did not start: $(cat "$directory/out")" || return 1
    fi
    if ! bt-cli getwalletinfo >/dev/null 2>&1; then
        bt-cli -named createwallet wallet_name=default load_on_startup=true >/dev/null && mine 110 || return 1
    fi
    mine 1 # with a tip of yesterday it would think that it is still syncing
}

# All at the same time, and in a subshell, so that the user's shell has no jobs to speak of.
_regtest_start_nodes() (
    for i in $(_regtest_nodes); do
        directory=$REGTEST_DIR/l$i
        _regtest_pid "$directory/lightningd-regtest.pid" "--lightning-dir=$directory" >/dev/null && continue
        mkdir -p "$directory"
        _regtest_config "$i" >"$directory/config"
        lightningd "--lightning-dir=$directory" --daemon "$@" >"$directory/out" 2>&1 &
    done
    wait
    for i in $(_regtest_nodes); do
        _regtest_until "l$i to be up and synced" _regtest_synced "$i" ||
            _regtest_complain "l$i did not start: $(tail -n 5 "$REGTEST_DIR/l$i/out" "$REGTEST_DIR/l$i/log")" ||
            return 1
    done
)

# The fixed feerates and the quick polling are what makes a network without users usable.
_regtest_config() {
    printf '%s\n' network=regtest "alias=l$1" "addr=127.0.0.1:$((REGTEST_PORT + $1))" disable-dns \
        "bitcoin-datadir=$REGTEST_DIR/bitcoind" "log-file=$REGTEST_DIR/l$1/log" log-level=debug \
        developer dev-fast-gossip dev-bitcoind-poll=1 ignore-fee-limits=true force-feerates=7500 \
        disable-plugin=cln-grpc disable-plugin=clnrest disable-plugin=wss-proxy
    [ "$MULTIFUNDCHANNEL" = none ] || echo "plugin=$MULTIFUNDCHANNEL"
}

# Functions and not aliases: those work in scripts, too.
_regtest_commands() {
    local i
    for i in $(_regtest_nodes); do
        eval "l$i-cli() { _regtest_cli $i \"\$@\"; }"
        eval "l$i-log() { _regtest_ours && \"\${PAGER:-less}\" \"\$REGTEST_DIR/l$i/log\"; }"
    done
}

_regtest_cli() {
    local node=$1
    shift
    _regtest_ours || return 1
    lightning-cli --network=regtest --lightning-dir="$REGTEST_DIR/l$node" "$@"
}

# The numbers given, or of all nodes that there are.
_regtest_nodes() {
    local count=0 i
    if _regtest_exists; then
        _regtest_ours || return 1
        count=$(cat "$REGTEST_DIR/nodes" 2>/dev/null) || count=0
    fi
    if [ $# -eq 0 ]; then
        seq "$count"
        return
    fi
    for i in "$@"; do
        [ "$i" -ge 1 ] 2>/dev/null && [ "$i" -le "$count" ] || _regtest_complain "there is no node $i" || return 1
        echo "$i"
    done
}

# The first field of that name in JSON as lightning-cli prints it.
_regtest_field() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1
}

_regtest_synced() {
    local info
    info=$(_regtest_cli "$1" getinfo 2>/dev/null) || return 1
    ! echo "$info" | grep -q '"warning_.*sync"' &&
        [ "$(echo "$info" | _regtest_field blockheight)" -ge "$(bt-cli getblockcount)" ]
}

_regtest_synced_or_stopped() {
    _regtest_synced "$1" || ! _regtest_cli "$1" getinfo >/dev/null 2>&1
}

_regtest_sees_coin() {
    _regtest_cli "$1" -F listfunds | sed -n 's/^outputs\[[0-9]*\]\.txid=//p' | grep -q "$2" && _regtest_synced "$1"
}

_regtest_all_usable() {
    ! _regtest_cli "$1" -F listpeerchannels | grep '\]\.state=' | grep -Eqv '=(CHANNELD_NORMAL|ONCHAIN)$'
}

# usage: _regtest_until WHAT COMMAND...
_regtest_until() {
    local what=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || _regtest_complain "waited a minute in vain for $what" || return 1
        sleep 0.2
    done
}

# usage: _regtest_pid PIDFILE ARGUMENT: prints the pid if that process lives and was started with the argument.
# Numbers are used again: a pid file alone does not say whose process that is.
_regtest_pid() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
    # Not every system has ps: a small Debian has not.
    { tr '\0' '\n' <"/proc/$pid/cmdline" || ps -ww -o args= -p "$pid" | tr ' ' '\n'; } 2>/dev/null |
        grep -Fxq -e "$2" && echo "$pid"
}

# usage: _regtest_end PIDFILE ARGUMENT COMMAND...: asks by the command, and after ten seconds by a signal.
_regtest_end() {
    local file=$1 argument=$2 pid tries=0
    shift 2
    pid=$(_regtest_pid "$file" "$argument") || return 0
    "$@" >/dev/null 2>&1
    while _regtest_pid "$file" "$argument" >/dev/null || kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -eq 50 ]; then kill "$pid" 2>/dev/null; fi
        [ "$tries" -lt 150 ] || _regtest_complain "process $pid does not end" || return 1
        sleep 0.2
    done
}

# Of a network that another shell has started.
if _regtest_exists && _regtest_ours; then _regtest_commands; fi
