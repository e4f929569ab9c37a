# shellcheck shell=sh disable=SC2034
# What ovn-ctl and ovs-ctl share.  Sourced with PROGRAM set.
#
# An option --some-name=VALUE sets the variable some_name; only those that declare() named are taken, so what is
# not served is refused by name.

BIN_DIR=$(dirname "$(readlink -f "$0")")
PATH=$BIN_DIR:$PATH:/usr/sbin:/sbin
export PATH

DECLARED=" "
OPTION_HELP=

die() {
    echo "$PROGRAM: $*" >&2
    exit 1
}

# declare NAME DEFAULT HELP: --NAME=VALUE; the variable starts as DEFAULT.
declare_option() {
    DECLARED="$DECLARED$1 "
    variable "$1"
    eval "$VAR=\$2"
    OPTION_HELP="$OPTION_HELP  --$1=VALUE
      $3${2:+ (default: $2)}
"
}

# variable NAME: sets VAR to NAME with underscores.  Without a process of its own: it is called for every option.
variable() {
    VAR=$1
    while :; do
        case $VAR in
        *-*) VAR=${VAR%%-*}_${VAR#*-} ;;
        *) return 0 ;;
        esac
    done
}

# set_option --NAME=VALUE; --NAME alone is yes, --no-NAME no.
set_option() {
    option=${1#--}
    case $option in
    *=*) name=${option%%=*} value=${option#*=} ;;
    no-*) name=${option#no-} value=no ;;
    *) name=$option value=yes ;;
    esac
    case $DECLARED in
    *" $name "*)
        variable "$name"
        eval "$VAR=\$value"
        ;;
    *) die "unknown option \"$1\" (use --help for help)" ;;
    esac
}

# running PIDFILE: prints the process id of the running program.
running() {
    [ -s "$1" ] || return 1
    pid=$(cat "$1")
    kill -0 "$pid" 2> /dev/null && echo "$pid"
}

# status NAME PIDFILE
status() {
    if pid=$(running "$2"); then
        echo "$1 is running with pid $pid"
    else
        echo "$1 is not running"
        return 1
    fi
}

# action TEXT COMMAND...: runs it and says how it went.
action() {
    text=$1
    shift
    if "$@"; then
        echo "$text."
    else
        echo "$text ... failed!"
        return 1
    fi
}

# daemon NAME PRIORITY WRAPPER COMMAND...: starts a program that detaches.
start_daemon() {
    name=$1 priority=$2 wrapper=$3
    shift 3
    case $wrapper in
    '') ;;
    strace) set -- strace -ff -o "${TMPDIR:-/tmp}/$name.strace" "$@" ;;
    valgrind) set -- valgrind -q --log-file="${TMPDIR:-/tmp}/$name.%p.valgrind" "$@" ;;
    *) die "wrapper \"$wrapper\" is none of valgrind, strace" ;;
    esac
    # A lower value needs a privilege that containers may lack.
    if [ -n "$priority" ] && nice -n "$priority" true 2> /dev/null && [ -z "$(nice -n "$priority" true 2>&1)" ]; then
        set -- nice -n "$priority" "$@"
    fi
    action "Starting $name" "$@"
}

# stop_daemon NAME PIDFILE COMMAND...: the command asks it to exit; signals follow if it does not.
stop_daemon() {
    name=$1 pidfile=$2
    shift 2
    if ! pid=$(running "$pidfile"); then
        echo "$name is not running."
        return 0
    fi
    if "$@" > /dev/null 2>&1 && gone "$pid" 50; then
        echo "Exiting $name ($pid)."
        return 0
    fi
    kill "$pid" 2> /dev/null
    if gone "$pid" 50; then
        echo "Terminating $name ($pid)."
        return 0
    fi
    kill -9 "$pid" 2> /dev/null
    echo "Killing $name ($pid)."
    gone "$pid" 50
}

# gone PID TENTHS
gone() {
    tenths=$2
    while kill -0 "$1" 2> /dev/null; do
        # A zombie whose parent does not reap it is gone, too.
        [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2> /dev/null)" != Z ] || return 0
        [ "$tenths" -gt 0 ] || return 1
        tenths=$((tenths - 1))
        sleep 0.1
    done
}

# prepare_database FILE SCHEMA: creates it, or brings it to the schema's version after keeping a copy.
prepare_database() {
    if [ ! -e "$1" ]; then
        echo "$1 does not exist ... (warning)."
        mkdir -p "$(dirname "$1")"
        action "Creating empty database $1" ovsdb-tool create "$1" "$2"
    elif [ "$(ovsdb-tool needs-conversion "$1" "$2" 2> /dev/null)" = yes ]; then
        backup=$1.backup$(ovsdb-tool db-version "$1")-$(ovsdb-tool db-cksum "$1" | tr ' ' -)
        action "Backing up database to $backup" cp "$1" "$backup" &&
            action "Compacting database" ovsdb-tool compact "$1" &&
            action "Converting database schema" ovsdb-tool convert "$1" "$2"
    fi
}

# data_dir NAME: where the schemas lie, beside the programs if they are there.
data_dir() {
    if [ -d "$BIN_DIR/../share/$1" ]; then
        (cd "$BIN_DIR/../share/$1" && pwd)
    else
        echo "/usr/share/$1"
    fi
}

# manual_page NAME SUMMARY: the output of help in roff, man(7): the page has what --help says.  In help, a line that
# ends in a colon is a heading, one indented by two spaces a term, one indented further what the term means.
manual_page() {
    help | awk -v name="$1" -v summary="$2" '
        function plain(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
        BEGIN { printf ".TH %s 8\n.SH NAME\n%s \\- %s\n", name, plain(name), plain(summary) }
        /^usage: / { seen = 1; printf ".SH SYNOPSIS\n%s\n.SH DESCRIPTION\n", plain(substr($0, 8)); next }
        /^[^ ].*:$/ { printf ".SH %s\n", toupper(substr($0, 1, length($0) - 1)); next }
        /^  [^ ]/ { printf ".TP\n\\fB%s\\fR\n", plain(substr($0, 3)); next }
        /^ / { sub(/^ +/, ""); print plain($0); next }
        /^$/ { print ".PP"; next }
        { if (seen) print plain($0) }'
}
