#!/usr/bin/env bash
# Move leaked host-local IP reservations of one node into quarantine, list them, or move them back.
# Inputs, result and image requirements: README.md beside this file.
#
# Removing a live reservation gives its address to a second pod, so every doubt ends in "refused" or in "kept".
# Reservation format, lock file and directory walk: github.com/containernetworking/plugins, plugins/ipam/host-local/backend/disk.
#
# shellcheck disable=SC2317  # the functions of the result are reached through the EXIT trap
set -Eeuo pipefail
export LC_ALL=C
# crictl is outside the usual search path on Container-Optimized OS.
export PATH="$PATH:/home/kubernetes/bin:/opt/bin"
umask 077
shopt -s nullglob dotglob

# Exactly 64 digits: a listing of shortened IDs would make every reservation look leaked.
readonly ID_PATTERN='^[0-9a-f]{64}$'
readonly RESERVATION_PATTERN=$'^([0-9a-f]{64})\r\n[^/[:space:]]{1,15}$'
readonly OCTET='(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
readonly GROUP='([0-9a-f]{1,4})'
# A younger reservation may belong to a pod that the runtime does not list yet.
readonly YOUNGEST_ALLOWED_SECONDS=600
readonly REPORT_BYTES=3900

HOST_ROOT=${HOST_ROOT:-/host}
NETWORKS_DIR=${NETWORKS_DIR:-/networks}
DATA_DIR=${DATA_DIR:-/var/lib/cni/networks}
CNI_CONF_DIR=${CNI_CONF_DIR:-${HOST_ROOT%/}/etc/cni/net.d}
TERMINATION_LOG=${TERMINATION_LOG:-/dev/termination-log}
MIN_AGE_SECONDS=${MIN_AGE_SECONDS:-900}
LOCK_WAIT_SECONDS=${LOCK_WAIT_SECONDS:-10}
LOCK_BUDGET_MS=${LOCK_BUDGET_MS:-3000}
RUNTIME_TIMEOUT_SECONDS=${RUNTIME_TIMEOUT_SECONDS:-10}
MODE=${MODE:-}
NODE_NAME=${NODE_NAME:-}
RUN_ID=${RUN_ID:-}
MAX_RESERVATIONS=${MAX_RESERVATIONS:-}
NOT_AFTER=${NOT_AFTER:-}

status=failed reason='stopped unexpectedly' network='' total=0 live=0 lock_ms=0 locked_at=''
network_dir='' run_dir='' quarantine_dir=''
runtime=() cidr_keys=() cidr_bits=()
names=() odd_names=() candidates=() restored=() kept=()
declare -A ids=() live_keys=() id_of=() mtime_of=() type_of=() name_of_key=() planned_as=()

# ---- result -------------------------------------------------------------------------------------------------------

finish() { # status, reason
  status=$1 reason=$2
  exit 0
}
refuse() { finish refused "$1"; }
fail() { finish failed "$1"; }

text_json() { # text, most characters → REPLY; a name or an error text never breaks the JSON
  local text=${1:0:$2}
  REPLY=${text//[^A-Za-z0-9 .,:()\/_=@%+-]/?}
}

list_json() { # bytes allowed, JSON values… → REPLY
  local left=$1 item joined=''
  shift
  for item in "$@"; do
    ((left -= ${#item} + 1, left > 0)) || break
    joined+=,$item
  done
  REPLY="[${joined#,}]"
}

quote_json() { # texts… → items
  local text
  items=()
  for text in "$@"; do
    text_json "$text" 64
    items+=("\"$REPLY\"")
  done
}

field_json() { # name, share of the free bytes in percent, JSON values… → appends the list and its full length to $report
  local name=$1 room=$(((REPORT_BYTES - ${#report}) * $2 / 100))
  shift 2
  list_json "$room" "$@"
  printf -v report '%s,"%s_count":%d,"%s":%s' "$report" "$name" $# "$name" "$REPLY"
}

quarantined_names() { # → REPLIES; what lies in this run's quarantine now, whichever attempt moved it
  REPLIES=()
  [[ -z $quarantine_dir ]] || REPLIES=("$quarantine_dir"/*)
  REPLIES=("${REPLIES[@]##*/}")
}

head_json() { # → report, without its closing brace
  local texts=() value
  for value in "$NODE_NAME" "$MODE" "$status" "$reason" "$network" "$RUN_ID"; do
    text_json "$value" 300
    texts+=("$REPLY")
  done
  printf -v report '{"node":"%s","mode":"%s","status":"%s","reason":"%s","network":"%s","run_id":"%s"' "${texts[@]}"
  printf -v report '%s,"total":%d,"live":%d,"candidates":%d,"lock_ms":%d' \
    "$report" "$total" "$live" "${#candidates[@]}" "$lock_ms"
}

report_json() { # → report
  local items=() REPLIES=()
  head_json
  quarantined_names
  quote_json "${REPLIES[@]}" && field_json quarantined 55 "${items[@]}"
  quote_json "${restored[@]}" && field_json restored 50 "${items[@]}"
  quote_json "${candidates[@]}" && field_json candidate_ips 65 "${items[@]}"
  field_json kept 90 "${kept[@]}"
  report+='}'
}

on_exit() { # every way out passes here, also a failed command: the engine reads the status, never the exit code
  local report=''
  set +eu
  trap '' HUP INT TERM ERR
  report_json
  printf '%s\n' "$report"
  { printf '%s\n' "$report" >"$TERMINATION_LOG"; } 2>/dev/null || true
  exit 0
}

trap 'reason="stopped unexpectedly at line $LINENO"' ERR
trap on_exit EXIT
trap 'fail "stopped by a signal"' HUP INT TERM

# ---- addresses ----------------------------------------------------------------------------------------------------

ipv4_key() { # address → REPLY: 8 hexadecimal digits
  [[ $1 =~ ^$OCTET\.$OCTET\.$OCTET\.$OCTET$ ]] || return 1
  printf -v REPLY '%02x%02x%02x%02x' "${BASH_REMATCH[@]:1:4}"
}

ipv6_key() { # address → REPLY: 32 hexadecimal digits
  local text=$1 colons zeros=':0:0:0:0:0:0:0:0' groups missing
  if [[ $text == *::* ]]; then
    [[ $text != *::*::* && $text != *:::* ]] || return 1
    [[ $text != ::* ]] || text=0$text
    [[ $text != *:: ]] || text+=0
    colons=${text//[^:]/} missing=$((8 - ${#colons}))
    ((missing > 0)) || return 1
    text=${text/::/${zeros:0:2*missing}:}
  fi
  [[ $text =~ ^$GROUP:$GROUP:$GROUP:$GROUP:$GROUP:$GROUP:$GROUP:$GROUP$ ]] || return 1
  groups=("${BASH_REMATCH[@]:1:8}")
  printf -v REPLY '%04x' "${groups[@]/#/0x}"
}

address_key() { # address → REPLY, equal for two spellings of one address
  if [[ $1 == *:* ]]; then ipv6_key "$1"; else ipv4_key "$1"; fi
}

in_prefix() { # key, prefix key, prefix length in bits
  local digits=$(($3 / 4)) rest=$(($3 % 4))
  [[ ${#1} == "${#2}" && ${1:0:digits} == "${2:0:digits}" ]] || return 1
  ((rest == 0)) || (((0x${1:digits:1} ^ 0x${2:digits:1}) >> (4 - rest) == 0))
}

in_pod_cidrs() { # key
  local index
  for index in "${!cidr_keys[@]}"; do
    in_prefix "$1" "${cidr_keys[index]}" "${cidr_bits[index]}" && return 0
  done
  return 1
}

# ---- settings -----------------------------------------------------------------------------------------------------

require_number() { # name, least, most
  [[ ${!1} =~ ^(0|[1-9][0-9]{0,10})$ ]] || refuse "$1 must be a whole number"
  ((${!1} >= $2 && ${!1} <= $3)) || refuse "$1 must be between $2 and $3"
}

add_cidr() { # text
  local bits=${1##*/}
  [[ $1 == */* && $bits =~ ^(0|[1-9][0-9]{0,2})$ ]] || refuse "POD_CIDRS has no valid range in: $1"
  address_key "${1%/*}" || refuse "POD_CIDRS has no valid address in: $1"
  ((bits >= 8 && bits <= ${#REPLY} * 4)) || refuse "POD_CIDRS has an impossible prefix length: $1"
  cidr_keys+=("$REPLY") cidr_bits+=("$bits")
}

read_pod_cidrs() {
  local rest=${POD_CIDRS:-},
  [[ $rest != , ]] || refuse 'POD_CIDRS is not set'
  while [[ -n $rest ]]; do
    add_cidr "${rest%%,*}"
    rest=${rest#*,}
  done
}

read_live_ips() { # a missing file means that this node was not part of the approved run
  local line
  [[ -f ${LIVE_IPS_FILE:-} && -r $LIVE_IPS_FILE ]] || refuse 'LIVE_IPS_FILE is missing: this node is not part of the run'
  while IFS= read -r line || [[ -n $line ]]; do
    [[ -n $line ]] || continue
    address_key "$line" || refuse "LIVE_IPS_FILE has a line that is not an address: $line"
    live_keys[$REPLY]=$line
  done <"$LIVE_IPS_FILE"
}

read_runtime_command() {
  if [[ -n ${RUNTIME_COMMAND:-} ]]; then
    read -ra runtime < <(printf '%s\n' "$RUNTIME_COMMAND")
  else
    runtime=(chroot "$HOST_ROOT")
  fi
}

check_deadline() { # a pod of a DaemonSet runs its init container again after a reboot, long after the approval
  [[ -n $NOT_AFTER ]] || return 0
  require_number NOT_AFTER 1 99999999999
  ((EPOCHSECONDS <= NOT_AFTER)) || refuse 'the approval of this run has expired'
}

read_settings() {
  [[ $MODE =~ ^(inspect|clean|restore)$ ]] || refuse 'MODE must be inspect, clean or restore'
  [[ $NODE_NAME =~ ^[a-z0-9][a-z0-9.-]{0,252}$ ]] || refuse 'NODE_NAME is not a node name'
  [[ $RUN_ID =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$ ]] || refuse 'RUN_ID must be 1 to 63 letters, digits, dots, dashes'
  require_number MAX_RESERVATIONS 1 1024
  require_number MIN_AGE_SECONDS "$YOUNGEST_ALLOWED_SECONDS" 31536000
  require_number LOCK_WAIT_SECONDS 0 60
  require_number LOCK_BUDGET_MS 1 10000
  require_number RUNTIME_TIMEOUT_SECONDS 1 60
  check_deadline
  read_pod_cidrs
  read_runtime_command
}

# ---- CNI configuration --------------------------------------------------------------------------------------------
# A strict JSON reader: the image needs no jq, and text that this cannot read is refused. Key paths are lower case and
# unique because Go, which reads the same file, ignores case and lets the last of two equal keys win.

declare -A config=()
json=''

json_take() { # regular expression → REPLY: what its first group matched, taken off the front of $json
  [[ $json =~ ^[[:space:]]*($1) ]] || return 1
  REPLY=${BASH_REMATCH[1]}
  json=${json:${#BASH_REMATCH[0]}}
}

json_put() { # path, value
  [[ -z ${config[.$1]+set} ]] || refuse 'the CNI configuration names a key twice'
  config[.$1]=$2
}

json_string() { # → REPLY without its quotes, escapes untouched
  json_take '"([^"\\]|\\.)*"' || refuse 'the CNI configuration is not valid JSON'
  REPLY=${REPLY:1:-1}
}

json_object() { # path
  json_put "$1" '{'
  json_take '\}' && return
  while true; do
    json_string
    [[ $REPLY != *\\* ]] || refuse 'the CNI configuration has an escaped key'
    # A slash in a key must not look like a path.
    local key=${REPLY//\//|}
    key=${key,,}
    json_take ':' || refuse 'the CNI configuration is not valid JSON'
    json_value "$1/$key"
    json_take ',' || break
  done
  json_take '\}' || refuse 'the CNI configuration is not valid JSON'
}

json_array() { # path
  local index=0
  json_put "$1" '['
  json_take '\]' && return
  while true; do
    json_value "$1/$index"
    index=$((index + 1))
    json_take ',' || break
  done
  json_take '\]' || refuse 'the CNI configuration is not valid JSON'
}

json_value() { # path
  if json_take '\{'; then json_object "$1"
  elif json_take '\['; then json_array "$1"
  elif [[ $json =~ ^[[:space:]]*\" ]]; then json_string && json_put "$1" "\"$REPLY"
  elif json_take 'true|false|null|-?[0-9][0-9.eE+-]*'; then json_put "$1" "$REPLY"
  else refuse 'the CNI configuration is not valid JSON'; fi
}

runtime_configuration() { # → REPLY: the file that the runtime uses, the first by name
  local path
  for path in "$CNI_CONF_DIR"/*; do
    [[ $path =~ \.(conflist|conf|json)$ && ! -d $path ]] || continue
    [[ ! -L $path && -f $path ]] || refuse "the CNI configuration ${path##*/} is not a regular file"
    REPLY=$path
    return
  done
  refuse 'no CNI configuration was found'
}

ipam_path() { # → REPLY: the path of the only ipam object
  local path found=()
  for path in "${!config[@]}"; do
    [[ $path =~ ^\.(/plugins/[0-9]+)?/ipam$ ]] && found+=("$path")
  done
  [[ ${#found[@]} == 1 ]] || refuse "the CNI configuration has ${#found[@]} ipam objects, expected 1"
  REPLY=${found[0]}
}

find_network() { # → network and its directories
  local path data_dir
  runtime_configuration
  [[ $(wc -c <"$REPLY") -le 65536 ]] || refuse 'the CNI configuration is too long'
  json=$(<"$REPLY")
  json_value ''
  [[ $json =~ ^[[:space:]]*$ ]] || refuse 'the CNI configuration is not valid JSON'
  ipam_path && path=$REPLY
  [[ ${config[$path/type]:-} == '"host-local' ]] || refuse 'the address management of the CNI configuration is not host-local'
  data_dir=${config[$path/datadir]:-\"}
  [[ $data_dir == \" || ${data_dir%/} == "\"${DATA_DIR%/}" ]] || refuse "host-local keeps its reservations elsewhere: ${data_dir#\"}"
  [[ ${config[./name]:-} =~ ^\"([a-zA-Z0-9][a-zA-Z0-9_.-]*)$ ]] || refuse 'the CNI configuration has no usable network name'
  network=${BASH_REMATCH[1]}
  network_dir=${NETWORKS_DIR%/}/$network
  run_dir=${NETWORKS_DIR%/}/.runbook-quarantine/$RUN_ID
  # A sibling of the network directory: host-local walks everything below the network directory itself.
  quarantine_dir=$run_dir/$network
}

check_network_dir() {
  [[ ! -L $network_dir && -d $network_dir ]] || refuse "the directory of network $network is missing or a link"
  [[ ! -L $network_dir/lock && -f $network_dir/lock ]] || refuse 'the lock file of host-local is missing'
}

# ---- container runtime --------------------------------------------------------------------------------------------

now_ms() { REPLY=$((${EPOCHREALTIME/./} / 1000)); }

check_lock_budget() { # → REPLY: milliseconds left; pods can neither start nor stop while the lock is held
  now_ms
  REPLY=$((locked_at + LOCK_BUDGET_MS - REPLY))
  ((REPLY > 0)) || refuse 'the lock was held too long'
}

runtime_limit() { # → REPLY: seconds that one runtime command may take
  REPLY=$RUNTIME_TIMEOUT_SECONDS
  [[ -n $locked_at ]] || return 0
  check_lock_budget
  printf -v REPLY '%d.%03d' $((REPLY / 1000)) $((REPLY % 1000))
}

add_runtime_ids() { # command…
  local lines=() line code=0 limit
  runtime_limit && limit=$REPLY
  # Descriptor 9 is the lock: a runtime command that outlives this script must not keep it.
  mapfile -t lines < <(exec 9<&- && exec timeout -k 0.5 "$limit" "${runtime[@]}" "$@" </dev/null)
  wait "$!" || code=$?
  ((code != 124 && code != 137)) || refuse "the container runtime did not answer in time: $*"
  ((code == 0)) || refuse "the container runtime failed with exit code $code: $*"
  # This script runs in a container of the same runtime, so a true list is never empty.
  ((${#lines[@]} > 0)) || refuse "the container runtime listed nothing: $*"
  for line in "${lines[@]}"; do
    [[ $line =~ $ID_PATTERN ]] || refuse "the container runtime listed something that is not a container ID: $*: ${line:0:80}"
    ids[$line]=1
  done
}

has_crictl() {
  local rest=$PATH: path
  while [[ -n $rest ]]; do
    path=${HOST_ROOT%/}${rest%%:*}/crictl
    [[ ! -e $path && ! -L $path ]] || return 0
    rest=${rest#*:}
  done
  return 1
}

list_runtime_ids() { # adds to ids; an ID seen once stays, its sandbox may still be releasing the address
  add_runtime_ids ctr -n k8s.io containers list -q
  has_crictl || return 0
  add_runtime_ids crictl pods -q
  add_runtime_ids crictl ps -a -q
}

# ---- reservations -------------------------------------------------------------------------------------------------

read_reservation() { # path → REPLY: the container ID, or empty
  local text=''
  REPLY=''
  # Success means that read stopped before the end: a NUL byte, or more text than a reservation has.
  ! IFS= read -r -d '' -n 128 text <"$1" || return 0
  [[ ! $text =~ $RESERVATION_PATTERN ]] || REPLY=${BASH_REMATCH[1]}
}

scan() { # directory → names, odd_names, type_of, mtime_of, id_of, name_of_key, total
  local name type mtime
  names=() odd_names=() type_of=() mtime_of=() id_of=() name_of_key=() total=0
  while IFS=/ read -r -d '' name type mtime; do
    if address_key "$name"; then add_name "$1" "$name" "$type" "${mtime%%.*}"; else odd_names+=("$name"); fi
  done < <(find "$1" -mindepth 1 -maxdepth 1 -printf '%f/%y/%T@\0' | sort -z)
  wait "$!" || fail "cannot list $1"
}

add_name() { # directory, name, type, seconds; $REPLY is the key of the name
  names+=("$2")
  type_of[$2]=$3 mtime_of[$2]=$4
  [[ $3 == f ]] || return 0
  name_of_key[$REPLY]=$2 total=$((total + 1))
  read_reservation "$1/$2"
  id_of[$2]=$REPLY
}

check_live_pods() { # a pod that the API server reports must own a reservation that the runtime knows
  local key name
  for key in "${!live_keys[@]}"; do
    name=${name_of_key[$key]:-}
    [[ -n $name ]] || refuse "the live pod address ${live_keys[$key]} has no reservation"
    [[ -n ${id_of[$name]} && -n ${ids[${id_of[$name]}]:-} ]] || refuse "the reservation of the live pod address $name belongs to no known container"
  done
}

verdict() { # name → REPLY: leaked, live, or why it is kept
  local name=$1 id=${id_of[$1]:-} age=$((EPOCHSECONDS - ${mtime_of[$1]}))
  address_key "$name"
  if [[ ${type_of[$name]} != f ]]; then REPLY='not a regular file'
  elif [[ -n ${live_keys[$REPLY]:-} || -n ${ids[${id:-none}]:-} ]]; then REPLY=live
  elif [[ -z $id ]]; then REPLY='malformed content'
  elif ! in_pod_cidrs "$REPLY"; then REPLY='outside the pod ranges'
  elif ((age < 0)); then REPLY='changed in the future'
  elif ((age < MIN_AGE_SECONDS)); then REPLY='too young'
  elif [[ -e $quarantine_dir/$name || -L $quarantine_dir/$name ]]; then REPLY='already in quarantine'
  elif [[ -n $locked_at && ${planned_as[$name]:-} != "$id ${mtime_of[$name]}" ]]; then REPLY='changed during the run'
  else REPLY=leaked; fi
}

keep() { # name, why
  text_json "$1" 64
  kept+=("{\"name\":\"$REPLY\",\"why\":\"$2\"}")
}

keep_odd_names() {
  local name
  for name in "${odd_names[@]}"; do
    [[ $name == lock || $name == last_reserved_ip.* ]] || keep "$name" 'not an address'
  done
}

choose() { # → candidates, live, kept
  local name
  live=0 candidates=() kept=()
  for name in "${names[@]}"; do
    verdict "$name"
    case $REPLY in
      live) live=$((live + 1)) ;;
      leaked) candidates+=("$name") ;;
      *) keep "$name" "$REPLY" ;;
    esac
  done
  keep_odd_names
}

check_caps() { # a second attempt of a run shares the limit of the first
  local moved=("$quarantine_dir"/*) count=${#candidates[@]}
  ((count > 0)) || return 0
  ((count + ${#moved[@]} <= MAX_RESERVATIONS)) ||
    refuse "$count leaked and ${#moved[@]} quarantined reservations exceed the limit of $MAX_RESERVATIONS"
  ((count + live <= total)) || refuse "$count leaked and $live live reservations are more than all $total"
  # Without one live reservation nothing shows that this list of containers belongs to this directory.
  ((live > 0)) || refuse "no live reservation would remain of $total: replace the node instead"
}

look() { # everything is read again on each call: containers, directory, verdicts, limits
  list_runtime_ids
  scan "$network_dir"
  check_live_pods
  choose
  check_caps
}

# ---- lock ---------------------------------------------------------------------------------------------------------

take_lock() {
  exec 9<"$network_dir/lock"
  flock -x -w "$LOCK_WAIT_SECONDS" 9 || refuse "the lock of host-local was held by another process for $LOCK_WAIT_SECONDS s"
  now_ms && locked_at=$REPLY
  [[ /dev/fd/9 -ef $network_dir/lock ]] || refuse 'the lock file of host-local was replaced'
}

release_lock() {
  exec 9<&-
  now_ms && lock_ms=$((REPLY - locked_at))
}

# ---- clean --------------------------------------------------------------------------------------------------------

check_same_filesystem() { # a rename between filesystems would be a copy
  local devices
  devices=$(stat -c %d -- "$network_dir" "$quarantine_dir") || fail 'cannot read the filesystem of the quarantine'
  [[ ${devices%%$'\n'*} == "${devices##*$'\n'}" ]] || refuse 'the quarantine is on another filesystem'
  ! mountpoint -q -- "$network_dir" || refuse 'the network directory is a mount of its own'
}

make_quarantine() {
  local path
  for path in "${run_dir%/*}" "$run_dir" "$quarantine_dir"; do
    [[ ! -L $path ]] || refuse 'the quarantine directory is a link'
  done
  mkdir -p -- "$quarantine_dir" || fail 'cannot create the quarantine directory'
  check_same_filesystem
}

write_manifest() { # names what may be moved, on disk before the first move and before any pod has to wait
  local name line text='' next=$run_dir/manifest.next
  [[ ! -f $run_dir/manifest ]] || text=$(<"$run_dir/manifest")$'\n'
  for name in "${candidates[@]}"; do
    planned_as[$name]="${id_of[$name]} ${mtime_of[$name]}"
    line="$network $name ${planned_as[$name]}"$'\n'
    [[ $text == *"$line"* ]] || text+=$line
  done
  if ! { printf '%s' "$text" >"$next" && sync -- "$next" && mv -T -- "$next" "$run_dir/manifest" && sync -- "$run_dir"; }; then
    rm -f -- "$next" || true
    fail 'cannot write the manifest: nothing was moved'
  fi
}

move_candidates() { # one command for all files; an existing name in the quarantine is never replaced
  local name left=0
  check_lock_budget
  mv -n -t "$quarantine_dir" -- "${candidates[@]/#/$network_dir/}" || true
  for name in "${candidates[@]}"; do
    [[ ! -e $network_dir/$name && -f $quarantine_dir/$name ]] || left=$((left + 1))
  done
  release_lock
  sync -- "$network_dir" "$quarantine_dir" || fail 'the moves may not survive a power loss'
  ((left == 0)) || fail "$left of ${#candidates[@]} reservations could not be moved"
}

finish_clean() {
  local moved=("$quarantine_dir"/*)
  ((${#moved[@]} > 0)) || finish nothing_to_do 'no leaked reservation was found'
  finish ok "${#moved[@]} reservations are in quarantine"
}

clean() {
  ((${#candidates[@]} > 0)) || finish_clean
  make_quarantine
  write_manifest
  take_lock
  look
  if ((${#candidates[@]} > 0)); then move_candidates; else release_lock; fi
  finish_clean
}

inspect_or_clean() {
  read_live_ips
  if [[ ! -e $network_dir && ${#live_keys[@]} == 0 ]]; then finish nothing_to_do 'the node has no reservation'; fi
  check_network_dir
  look
  [[ $MODE != clean ]] || clean
  ((${#candidates[@]} > 0)) || finish nothing_to_do 'no leaked reservation was found'
  finish ok "${#candidates[@]} reservations are leaked"
}

# ---- restore ------------------------------------------------------------------------------------------------------

restorable() { # name; fails and keeps it when its address or its container is gone
  if [[ ${type_of[$1]} != f || -z ${id_of[$1]:-} ]]; then keep "$1" 'malformed content'
  elif [[ -e $network_dir/$1 || -L $network_dir/$1 ]]; then keep "$1" 'the address is reserved again'
  elif [[ -z ${ids[${id_of[$1]}]:-} ]]; then keep "$1" 'its container is gone'
  else return 0; fi
  return 1
}

choose_restorable() { # → candidates; finishes a restore that was killed between its two steps
  local name
  for name in "${names[@]}"; do
    if [[ $quarantine_dir/$name -ef $network_dir/$name ]]; then
      restored+=("$name")
    elif restorable "$name"; then
      candidates+=("$name")
    fi
  done
}

link_back() { # link(2) fails where the name exists, so no reservation is ever replaced
  local name
  ((${#candidates[@]} > 0)) || return 0
  check_lock_budget
  ln -t "$network_dir" -- "${candidates[@]/#/$quarantine_dir/}" || true
  for name in "${candidates[@]}"; do
    if [[ $quarantine_dir/$name -ef $network_dir/$name ]]; then restored+=("$name"); else keep "$name" 'could not be linked back'; fi
  done
}

drop_restored() { # the link in the network directory must be on disk before its twin goes
  ((${#restored[@]} > 0)) || return 0
  sync -- "$network_dir" || fail 'reservations were moved back but not synchronised'
  rm -- "${restored[@]/#/$quarantine_dir/}" || fail 'reservations were moved back but are still in quarantine too'
}

restore() {
  [[ ! -L $quarantine_dir && -d $quarantine_dir ]] || finish nothing_to_do 'the run has no quarantine on this node'
  check_network_dir
  list_runtime_ids
  take_lock
  list_runtime_ids
  scan "$quarantine_dir"
  choose_restorable
  keep_odd_names
  link_back
  release_lock
  drop_restored
  ((${#restored[@]} > 0)) || finish nothing_to_do 'no quarantined reservation belongs to a running container and a free address'
  finish ok "${#restored[@]} reservations were moved back"
}

read_settings
find_network
if [[ $MODE == restore ]]; then restore; else inspect_or_clean; fi
