#!/usr/bin/env python3
"""Makes the fixtures of this folder with openssl alone: a certificate authority, two timestamp
authorities, certificates of several kinds, and bundles signed with them. See README.md."""

import base64
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

OUT = os.path.dirname(os.path.abspath(__file__))
SUBJECT = "2b7c3d7e5a1f4c6b8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
ISSUER = "https://issuer.example.test"


def run(*args, data=None):
    return subprocess.run(args, input=data, check=True, capture_output=True).stdout


def b64(data):
    return base64.b64encode(data).decode()


def write(name, text):
    with open(os.path.join(OUT, name), "w") as out:
        out.write(text)


def der(pem):
    return run("openssl", "x509", "-in", pem, "-outform", "DER")


class Authority:
    """A self-signed certificate with its key; issues certificates."""

    def __init__(self, name, curve="P-256", extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"):
        self.name, self.key, self.cert = name, f"{name}.key", f"{name}.pem"
        run("openssl", "ecparam", "-name", CURVES[curve], "-genkey", "-noout", "-out", self.key)
        with open(f"{name}.cnf", "w") as out:
            out.write(f"[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nO=pindeck tests\nCN={name}\n[ext]\n{extensions}\n")
        run("openssl", "req", "-x509", "-new", "-key", self.key, HASHES[curve], "-days", "7300", "-config", f"{name}.cnf", "-out", self.cert)

    def issue(self, name, curve, san, seconds, eku="codeSigning", issuer=True):
        """A certificate that is valid from a minute ago for so many seconds."""
        key, csr, cert = f"{name}.key", f"{name}.csr", f"{name}.pem"
        run("openssl", "ecparam", "-name", CURVES[curve], "-genkey", "-noout", "-out", key)
        run("openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-out", csr)
        lines = ["keyUsage=critical,digitalSignature", f"extendedKeyUsage={eku}"]
        if san:
            lines.append(f"subjectAltName={san}")
        if issuer:
            lines.append(f"1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{ISSUER}")
        begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=60)
        form = lambda at: at.strftime("%Y%m%d%H%M%SZ")
        os.makedirs("ca", exist_ok=True)
        open("ca/index", "w").close()
        with open("ca/serial", "w") as out:
            out.write(f"{int.from_bytes(os.urandom(6), 'big'):012X}")
        with open("ca.cnf", "w") as out:
            out.write(
                "[ca]\ndefault_ca=own\n[own]\ndatabase=ca/index\nnew_certs_dir=ca\nserial=ca/serial\npolicy=any\n"
                "default_md=sha256\nunique_subject=no\n[any]\ncommonName=optional\n[ext]\n" + "\n".join(lines) + "\n"
            )
        run(
            "openssl", "ca", "-batch", "-config", "ca.cnf", "-extensions", "ext", "-cert", self.cert, "-keyfile", self.key,
            "-md", HASHES[self_curve(self.key)][1:], "-in", csr, "-out", cert, "-notext",
            "-startdate", form(begin), "-enddate", form(begin + datetime.timedelta(seconds=seconds)),
        )
        return Signer(key, cert)


CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}
HASHES = {"P-256": "-sha256", "P-384": "-sha384", "P-521": "-sha512"}


def self_curve(key):
    text = run("openssl", "ec", "-in", key, "-noout", "-text").decode()
    return next(curve for curve, name in CURVES.items() if name in text)


class Signer:
    def __init__(self, key, cert=None):
        self.key, self.cert = key, cert
        self.hash = HASHES[self_curve(key)]

    def sign(self, data):
        return run("openssl", "dgst", self.hash, "-sign", self.key, data=data)


class Stamper:
    """A timestamp authority: a certificate that signs itself."""

    def __init__(self, name):
        self.authority = Authority(
            name, extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
        )
        self.signer = self.authority.issue(f"{name}-leaf", "P-256", None, 20 * 365 * 86400, eku="critical,timeStamping", issuer=False)
        self.name = name
        with open(f"{name}-ts.cnf", "w") as out:
            out.write(
                f"[tsa]\ndefault_tsa=own\n[own]\nserial={name}.serial\nsigner_digest=sha256\ndefault_policy=1.2.3.4\n"
                "digests=sha256,sha384,sha512\nordering=no\ntsa_name=no\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n"
            )
        with open(f"{name}.serial", "w") as out:
            out.write("01")

    def stamp(self, signature):
        with open("to-stamp", "wb") as out:
            out.write(signature)
        run("openssl", "ts", "-query", "-data", "to-stamp", "-sha256", "-cert", "-out", "query.tsq")
        return run(
            "openssl", "ts", "-reply", "-config", f"{self.name}-ts.cnf", "-section", "own", "-queryfile", "query.tsq",
            "-signer", self.signer.cert, "-inkey", self.signer.key,
        )

    def listed(self, uri):
        chain = [{"rawBytes": b64(der(cert))} for cert in (self.signer.cert, self.authority.cert)]
        listed = {"subject": {"commonName": self.name}, "certChain": {"certificates": chain}, "validFor": {"start": "2020-01-01T00:00:00Z"}}
        if uri:
            listed["uri"] = uri
        return listed


def statement(predicate, predicate_type=TEST_RESULT):
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "app", "digest": {"sha256": SUBJECT}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    ).encode()


def signed(signer, payload):
    kind = b"application/vnd.in-toto+json"
    return signer.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))


def bundle(signer, payload, signature, stamps):
    if signer.cert:
        material = {"certificate": {"rawBytes": b64(der(signer.cert))}}
    else:
        material = {"publicKey": {"hint": ""}}
    if stamps:
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(s)} for s in stamps]}
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
        "dsseEnvelope": {
            "payloadType": "application/vnd.in-toto+json",
            "payload": b64(payload),
            "signatures": [{"sig": b64(signature)}],
        },
    }


def main():
    root, root521 = Authority("root"), Authority("root-p521", "P-521")
    first, second = Stamper("first-tsa"), Stamper("second-tsa")
    authority = lambda a: {
        "subject": {"commonName": a.name},
        "uri": f"https://{a.name}.example.test",
        "certChain": {"certificates": [{"rawBytes": b64(der(a.cert))}]},
        "validFor": {"start": "2020-01-01T00:00:00Z"},
    }
    write(
        "trusted-root.json",
        json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [],
                "certificateAuthorities": [authority(root), authority(root521)],
                "ctlogs": [],
                "timestampAuthorities": [first.listed("https://first.example.test"), second.listed(None)],
            },
            indent=1,
        ),
    )
    ten_minutes, ten_years = 600, 10 * 365 * 86400
    other = "otherName:1.3.6.1.4.1.57264.1.7;UTF8:builder!example.test"
    cases = {
        "othername": root.issue("othername", "P-256", other, ten_minutes),
        "two-othernames": root.issue("two", "P-256", other + ",otherName:1.3.6.1.4.1.57264.1.7;UTF8:else", ten_minutes),
        "p384": root.issue("p384", "P-384", "email:ci@example.test", ten_minutes),
        "p521": root.issue("p521", "P-521", "email:ci@example.test", ten_minutes),
        "p521-authority": root521.issue("under-p521", "P-256", "email:ci@example.test", ten_minutes),
    }
    passed, failed = statement({"result": "PASSED"}), statement({"result": "FAILED"})
    for name, signer in cases.items():
        signature = signed(signer, passed)
        write(f"{name}.sigstore.json", json.dumps(bundle(signer, passed, signature, [first.stamp(signature)])))
    # Re-stamping: a key's PASSED, then its FAILED, then the same PASSED with a younger timestamp; the same by a
    # certificate that is valid for years, and by two short-lived ones.
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "release.key")
    write("release.pub", run("openssl", "ec", "-in", "release.key", "-pubout").decode())
    key = Signer("release.key")
    long_lived = root.issue("long", "P-256", "email:ci@example.test", ten_years)
    short = root.issue("short", "P-256", "email:ci@example.test", ten_minutes)
    made = {name: (signer, signed(signer, passed)) for name, signer in (("key", key), ("long-lived", long_lived), ("short-lived", short))}
    for name, (signer, signature) in made.items():
        stamps = [first.stamp(signature)]
        write(f"{name}-passed.sigstore.json", json.dumps(bundle(signer, passed, signature, stamps)))
        if name == "key":
            twice = [stamps[0], first.stamp(signature)]
            write("key-one-authority-twice.sigstore.json", json.dumps(bundle(signer, passed, signature, twice)))
            both = [stamps[0], second.stamp(signature)]
            write("key-two-authorities.sigstore.json", json.dumps(bundle(signer, passed, signature, both)))
    time.sleep(3)
    later = root.issue("later", "P-256", "email:ci@example.test", ten_minutes)
    for name, signer in (("key", key), ("long-lived", long_lived), ("short-lived", later)):
        signature = signed(signer, failed)
        write(f"{name}-failed.sigstore.json", json.dumps(bundle(signer, failed, signature, [first.stamp(signature)])))
    time.sleep(3)
    for name, (signer, signature) in made.items():
        write(f"{name}-restamped.sigstore.json", json.dumps(bundle(signer, passed, signature, [first.stamp(signature)])))
    again = root.issue("again", "P-256", "email:ci@example.test", ten_minutes)
    signature = signed(again, passed)
    write("short-lived-tested-again.sigstore.json", json.dumps(bundle(again, passed, signature, [first.stamp(signature)])))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            main()
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error.cmd}: {error.stderr.decode()}")
