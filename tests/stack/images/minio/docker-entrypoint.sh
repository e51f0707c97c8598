#!/bin/sh
# What is not the program's name is for the program.
[ "$1" = minio ] || set -- minio "$@"
exec "$@"
