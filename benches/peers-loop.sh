#!/bin/sh
# What a team without pindeck runs to get about the same answer, one pin after the other: crane for digests and
# manifests, cosign for signatures and statements, jq for what they say.
#
#   peers-loop.sh CRANE COSIGN < PINS
# PINS: REPOSITORY <tab> DIGEST <tab> TAG or "-" <tab> cosign's trust flags, separated by spaces
crane=$1 cosign=$2
pins=$(mktemp) || exit 1
trap 'rm -f "$pins"' EXIT
cat >"$pins"
cut -f 1 "$pins" | sort -u | while read -r repository; do
    "$crane" ls "$repository" | sort -V | tail -n 1
done
while IFS="$(printf '\t')" read -r repository digest tag trust; do
    [ "$tag" = - ] || "$crane" digest "$repository:$tag"
    "$crane" manifest "$repository@$digest" | jq -r '.mediaType'
    # shellcheck disable=SC2086 # the flags are words
    "$cosign" verify --allow-insecure-registry $trust "$repository@$digest" >/dev/null && echo signed
    for type in slsaprovenance1 spdxjson cyclonedx https://in-toto.io/attestation/test-result/v0.1; do
        # shellcheck disable=SC2086
        "$cosign" verify-attestation --allow-insecure-registry --type="$type" $trust "$repository@$digest" |
            jq -r '.payload | @base64d | fromjson | [.predicateType, .predicate.result // "-"] | @tsv'
    done
done <"$pins"
