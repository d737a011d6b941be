#!/bin/sh
# Runs nginx and keeps its upstreams equal to the containers that DNS knows: nginx itself resolves names only when it starts.
# API_UPSTREAM and GATEWAY_UPSTREAM are host:port.
set -eu

mkdir -p /tmp/upstreams
ulimit -n "$(ulimit -Hn)" # two files for each socket that is passed on

# Writes the servers of upstream $1 at host:port $2, and succeeds when that changed anything. A name that cannot be resolved at the
# moment keeps the servers it had.
refresh() {
  addresses=$(getent ahostsv4 "${2%:*}" | cut -d ' ' -f 1 | sort -u) || addresses=
  if [ -n "$addresses" ]; then
    for address in $addresses; do echo "server $address:${2##*:} max_fails=1 fail_timeout=2s;"; done >"/tmp/upstreams/$1.new"
  elif [ -e "/tmp/upstreams/$1" ]; then
    return 1
  else
    echo 'server 127.0.0.1:9;' >"/tmp/upstreams/$1.new" # refuses: better than not to start
  fi
  if cmp -s "/tmp/upstreams/$1.new" "/tmp/upstreams/$1"; then return 1; fi
  mv "/tmp/upstreams/$1.new" "/tmp/upstreams/$1"
  echo "upstream $1:" $addresses
}

refresh api "$API_UPSTREAM" || true
refresh gateway "$GATEWAY_UPSTREAM" || true
nginx -c /etc/nexus/nginx.conf -g 'daemon off;' &
nginx=$!
trap 'kill -QUIT $nginx' TERM INT QUIT

while kill -0 $nginx 2>/dev/null; do
  sleep 1 &
  wait $! || true
  changed=
  refresh api "$API_UPSTREAM" && changed=yes
  refresh gateway "$GATEWAY_UPSTREAM" && changed=yes
  if [ -n "$changed" ]; then kill -HUP $nginx; fi
done
wait $nginx
