#!/bin/sh
# Runs Node on Mesa's software Vulkan driver, which has what SwiftShader lacks: f16, and subgroup matrices.
#
#   test/harness/lavapipe.sh script.js ...
#
# The driver and its libraries are unpacked into .cache/lavapipe when first asked for: 63 MB of Debian packages, by the
# machine's own apt, checked by Debian's keys. They are newer than the machine's: Node runs on their C library and loader.
# Nothing outside that folder changes, and no rights are needed.
set -eu

# Where Mesa >= 26 is to be had: the first with subgroup matrices.
RELEASE=trixie
PACKAGES='mesa-vulkan-drivers libvulkan1 libstdc++6'
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

root=$(cd "$(dirname "$0")/../.." && pwd)/.cache/lavapipe

fail() {
  echo "lavapipe cannot be had: $1" >&2
  exit 1
}

# In a process of its own, so that it tidies up.
unpack() (
  command -v apt-get >/dev/null || fail 'it comes from Debian packages, and there is no apt-get here.'
  [ -r "$KEYRING" ] || fail "there are no keys of Debian's at $KEYRING."
  # The machine's own mirror: where its release comes from.
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v release="$codename" '$1 == release && $2 == "main" { print $3; exit }')
  [ -n "$mirror" ] || fail "apt here has no mirror of Debian's release '$codename'."

  # Made elsewhere and moved: a second process sees all of it or nothing.
  mkdir -p "$(dirname "$root")"
  work=$(mktemp -d "$root.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/preferences"
  : >"$work/apt/status"
  for suite in $RELEASE $RELEASE-backports; do
    echo "deb [signed-by=$KEYRING] $mirror $suite main"
  done >"$work/sources.list"
  get() {
    apt-get --quiet --quiet -o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" \
      -o Dir::Cache="$work/apt/cache" -o Dir::Etc::sourcelist="$work/sources.list" \
      -o Dir::Etc::sourceparts="$work/preferences" -o Dir::Etc::preferencesparts="$work/preferences" \
      -o Dir::Etc::preferences=/dev/null -o Acquire::Languages=none -o Acquire::Retries=3 "$@" >"$work/log" 2>&1 ||
      fail "$(cat "$work/log")"
  }
  get update
  # shellcheck disable=SC2086
  get --yes --no-install-recommends --download-only --target-release "$RELEASE-backports" install $PACKAGES
  for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$work/root"
  done
  mv -T "$work/root" "$root" 2>/dev/null || [ -d "$root" ] || fail "$root cannot be written."
)

[ -d "$root" ] || unpack
# The `*` is the machine's architecture.
libraries=$(echo "$root"/usr/lib/*-linux-gnu)
VK_ICD_FILENAMES=$(echo "$root"/usr/share/vulkan/icd.d/lvp_icd*.json)
# Most of a test's time goes into compiling shaders; what is compiled stays for the next one.
MESA_SHADER_CACHE_DIR=$root/shaders
export VK_ICD_FILENAMES MESA_SHADER_CACHE_DIR
exec "$libraries"/ld-linux-*.so.* --library-path "$libraries" "$(command -v node)" "$@"
