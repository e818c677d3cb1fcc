#!/bin/sh
# Makes sure that a container engine answers on /var/run/docker.sock and holds the images that the tests use.
# For root on Debian; idempotent. Images are made from the distribution's own packages, never pulled.
set -eu

socket=/var/run/docker.sock
state=${TEST_ENGINE_STATE:-/tmp/test-engine}
suite=bookworm

say() { printf 'test-engine: %s\n' "$*" >&2; }
answers() { docker -H "unix://$socket" version >/dev/null 2>&1; }
has_image() { docker image inspect "$1" >/dev/null 2>&1; }

DOCKER_HOST="unix://$socket"
export DOCKER_HOST
umask 022
mkdir -p "$state"

install_missing() {
  missing=
  command -v docker >/dev/null && command -v dockerd >/dev/null || missing="$missing docker.io"
  command -v debootstrap >/dev/null || missing="$missing debootstrap"
  command -v busybox >/dev/null || missing="$missing busybox-static"
  command -v docker-registry >/dev/null || missing="$missing docker-registry"
  command -v podman >/dev/null || missing="$missing podman netavark aardvark-dns"
  command -v openssl >/dev/null || missing="$missing openssl"
  PATH="$PATH:/usr/sbin" command -v sshd >/dev/null || missing="$missing openssh-server openssh-client"
  [ -z "$missing" ] && return 0
  say "installing$missing"
  apt-get update -qq
  # What is only installed for tests to start must not be started by its package.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] && policy= || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; }
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing iptables >/dev/null
  [ -z "$policy" ] || rm -f "$policy"
}

wait_for_engine() {
  tries=0
  until answers; do
    tries=$((tries + 1))
    if [ "$tries" -gt "${1:-60}" ] || ! kill -0 "$(cat "$state/dockerd.pid" 2>/dev/null)" 2>/dev/null; then
      return 1
    fi
    sleep 0.5
  done
}

start_engine() {
  answers && return 0
  [ "$(id -u)" = 0 ] || { say 'no engine answers and only root can start one'; exit 1; }
  say 'starting dockerd'
  rm -f /var/run/docker.pid
  # `nft` is missing in some small kernels and `legacy` in others: try the default, then the other, then none.
  for rules in '' '--iptables=false --ip6tables=false'; do
    # shellcheck disable=SC2086
    setsid dockerd --host "$DOCKER_HOST" --pidfile "$state/dockerd.docker.pid" $rules \
      </dev/null >"$state/dockerd.log" 2>&1 &
    echo $! >"$state/dockerd.pid"
    wait_for_engine && return 0
    kill "$(cat "$state/dockerd.pid")" 2>/dev/null || true
    sleep 1
  done
  tail -n 20 "$state/dockerd.log" >&2
  exit 1
}

# The first mirror that this machine's apt uses for the distribution itself; empty: debootstrap's default.
apt_mirror() {
  {
    sed -n 's/^[[:space:]]*deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\).*/\2/p' \
      /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true
    sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
  } | grep -E '/debian/?$' | head -n 1
}

# add_user ROOT: a second user, so that tests can look at files of an image that does not run as root.
add_user() {
  grep -q '^app:' "$1/etc/passwd" || echo 'app:x:1000:1000:app:/home/app:/bin/sh' >>"$1/etc/passwd"
  grep -q '^app:' "$1/etc/group" || echo 'app:x:1000:' >>"$1/etc/group"
  mkdir -p "$1/home/app"
  chown 1000:1000 "$1/home/app"
}

make_busybox() {
  has_image ci-test/busybox:latest && return 0
  say 'making ci-test/busybox'
  root=$state/busybox
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/root" "$root/usr/bin"
  chmod 1777 "$root/tmp"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  add_user "$root"
  tar -C "$root" -c . | docker import -c 'CMD ["sh"]' - ci-test/busybox:latest >/dev/null
  rm -rf "$root"
}

make_debian_tree() {
  [ -e "$state/debian.done" ] && [ -d "$state/debian" ] && return 0
  say 'making a Debian tree'
  rm -rf "$state/debian"
  debootstrap --variant=minbase --include=bash,git,ca-certificates "$suite" "$state/debian" $(apt_mirror) \
    >"$state/debootstrap.log" 2>&1 || { tail -n 20 "$state/debootstrap.log" >&2; exit 1; }
  rm -rf "$state"/debian/var/cache/apt/archives/*.deb
  add_user "$state/debian"
  touch "$state/debian.done"
}

import_tree() { tar -C "$1" -c . | docker import -c 'CMD ["bash"]' - "$2" >/dev/null; }

make_debian() {
  has_image ci-test/debian:latest && return 0
  make_debian_tree
  say 'making ci-test/debian'
  import_tree "$state/debian" ci-test/debian:latest
}

make_node() {
  has_image ci-test/node:latest && return 0
  make_debian_tree
  say 'making ci-test/node'
  rm -rf "$state/node"
  cp -a "$state/debian" "$state/node"
  node=$(readlink -f "$(command -v node)")
  install -D -m 755 "$node" "$state/node/usr/local/bin/node"
  ldd "$node" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | while read -r library; do
    [ -e "$state/node$library" ] || install -D "$(readlink -f "$library")" "$state/node$library"
  done
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$state/node/usr/local/lib/node_modules"
  cp -a "$npm" "$state/node/usr/local/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$state/node/usr/local/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$state/node/usr/local/bin/npx"
  import_tree "$state/node" ci-test/node:latest
  rm -rf "$state/node"
}

make_golang() {
  has_image golang:1.21 && return 0
  make_debian_tree
  say 'making golang:1.21 (the name that examples use, with the Go of the distribution)'
  rm -rf "$state/golang"
  cp -a "$state/debian" "$state/golang"
  cp /etc/resolv.conf "$state/golang/etc/resolv.conf"
  chroot "$state/golang" sh -c '
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go &&
    rm -rf /var/cache/apt/archives/*.deb' >"$state/golang.log" 2>&1 || { tail -n 20 "$state/golang.log" >&2; exit 1; }
  import_tree "$state/golang" golang:1.21
  rm -rf "$state/golang"
}

# make_databases: PostgreSQL and Redis from Debian's packages. Installing them starts nothing and makes no cluster.
install_databases() {
  rm -rf "$1"
  cp -a "$state/debian" "$1"
  cp /etc/resolv.conf "$1/etc/resolv.conf"
  mkdir -p "$1/etc/postgresql-common"
  echo 'create_main_cluster = false' >"$1/etc/postgresql-common/createcluster.conf"
  printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
  chmod 755 "$1/usr/sbin/policy-rc.d"
  TMPDIR=/tmp chroot "$1" sh -c '
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o Dpkg::Options::=--force-confold postgresql redis-server &&
    rm -rf /var/cache/apt/archives/*.deb /usr/share/doc /usr/share/man' >"$state/databases.log" 2>&1 || {
    tail -n 20 "$state/databases.log" >&2
    return 1
  }
  cp "$(dirname "$0")/serve-postgres.sh" "$1/usr/local/bin/serve-postgres"
  chmod 755 "$1/usr/local/bin/serve-postgres"
}

make_databases() {
  has_image ci-test/postgres:latest && has_image ci-test/redis:latest && return 0
  make_debian_tree
  say 'making ci-test/postgres and ci-test/redis'
  # Their tests are skipped where this can't be done.
  install_databases "$state/databases" || { say 'no images of databases'; return 0; }
  tar -C "$state/databases" -c . | docker import -c 'EXPOSE 5432' -c 'USER postgres' -c 'ENTRYPOINT ["serve-postgres"]' \
    - ci-test/postgres:latest >/dev/null
  rm -rf "$state/databases"
  container=$(docker create ci-test/postgres:latest redis)
  docker commit -c 'EXPOSE 6379' -c 'USER redis' \
    -c 'ENTRYPOINT ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", "/tmp"]' \
    "$container" ci-test/redis:latest >/dev/null
  docker rm "$container" >/dev/null
}

install_missing
start_engine
make_busybox
make_debian
make_node
make_golang
make_databases
