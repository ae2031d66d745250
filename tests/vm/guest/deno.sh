# How deno runs in the guest. Sourced by dash.
# shellcheck shell=dash

export DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
# Code that is made while it runs is what an emulator is worst at: interpreted it is ten times as fast.
export DENO_V8_FLAGS=--jitless
