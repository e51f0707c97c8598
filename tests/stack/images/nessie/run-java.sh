#!/bin/bash
# bash, for a variable's name may have dots in it, which other shells do not hand on.
cd /deployments
# shellcheck disable=SC2086
exec /opt/java/bin/java -XX:MaxRAMPercentage=80.0 -XX:+UseParallelGC -XX:+ExitOnOutOfMemoryError $JAVA_OPTS_APPEND \
    -jar /deployments/quarkus-run.jar
