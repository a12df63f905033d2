#!/usr/bin/env bash
# check_spam.sh FOLDER: scores the e-mails in FOLDER with SpamAssassin, without network: at most 0.5 points each.
#
# Exit codes: 0 every e-mail is ok; 1 one FAILED; 2 usage, or SpamAssassin is missing or does not work.
set -euo pipefail
export LC_ALL=C

limit=0.5
kinds=(convocation reminder change cancellation depot-en-ligne transfert heads-up)

die() { printf 'check_spam: %s\n' "$*" >&2; exit 2; }
if [ $# -ne 1 ] || [ ! -d "$1" ]; then die "usage: check_spam.sh FOLDER"; fi
command -v spamassassin >/dev/null || die "no spamassassin: apt-get install spamassassin"

# Most of its rules about bodies are for English, so every kind is checked in English too.
mails=("$1"/convocation-{ar,zh}.eml)
for kind in "${kinds[@]}"; do mails+=("$1/$kind"-{fr,en}.eml); done

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

# As an exchanger hands it over: rules about headers ask for a Received. Its time is the letter's own: how long a
# letter waits to be sent is not the letter's doing. The address must be a public one, or it is a point against it.
received() {
    local date
    date=$(sed -nE '/^\r?$/q; s/^Date: ([^\r]*)\r?$/\1/p' "$1")
    printf 'Received: from relay.example.org (relay.example.org [9.9.9.9])\r\n'
    printf '\tby mx.example.net (Postfix) with ESMTPS id 4Xyz12abcd; %s\r\n' "$date"
    cat -- "$1"
}

# The rules of the package alone (sa-update's change every night), and nothing that this machine has learnt.
score() {
    local name=${1##*/}
    mkdir "$scratch/$name"
    received "$1" >"$scratch/$name/mail"
    HOME=$scratch/$name spamassassin -L -t -x -p /dev/null --configpath=/usr/share/spamassassin \
        --siteconfigpath="$scratch/site" --cf='use_bayes 0' \
        --cf='report_safe 0' --cf='fold_headers 0' --cf='add_header all Points _TESTSSCORES(,)_' \
        <"$scratch/$name/mail" >"$scratch/$name/out" 2>"$scratch/$name/err"
}

mkdir "$scratch/site"
# The lists of plugins are configuration of the site: those of the package, without the site's own scores.
cp /etc/spamassassin/*.pre "$scratch/site/" || die "no /etc/spamassassin/*.pre"
for mail in "${mails[@]}"; do
    [ -s "$mail" ] || die "no e-mail $mail"
    # A second each, most of it to read the rules.
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    score "$mail" &
done
wait

failed=0
for mail in "${mails[@]}"; do
    name=${mail##*/}
    # "RULE=1.2,OTHER=-0.1": added up here, because its own total is rounded to a tenth.
    points=$(sed -nE '/^\r?$/q; s/^X-Spam-Points: *([^\r]*)\r?$/\1/p' "$scratch/$name/out")
    [ -n "$points" ] || { cat "$scratch/$name/err" >&2; die "SpamAssassin says nothing of $name"; }
    read -r total verdict < <(tr ',' '\n' <<<"$points" |
        awk -F= -v limit="$limit" '{ sum += $2 } END { printf "%.3f %s\n", sum, (sum <= limit) ? "ok" : "FAILED" }')
    printf '%-24s %7s  %s\n' "$name" "$total" "$verdict"
    if [ "$verdict" != ok ]; then
        failed=$((failed + 1))
        # Of its report only the rules that cost something.
        sed -n '/^Content analysis details/,$p' "$scratch/$name/out" |
            awk '$1 ~ /^[0-9.]+$/ && $1 > 0 { print "    " $0 }'
    fi
done
version=$(spamassassin --version | sed -n '1s/.*version //p')
if [ "$failed" -gt 0 ]; then
    echo "spam: FAILED ($failed of ${#mails[@]} e-mails above $limit; SpamAssassin $version)"
    exit 1
fi
echo "spam: ok (${#mails[@]} e-mails at most $limit; SpamAssassin $version)"
