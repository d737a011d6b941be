/** The meaning of the system's and the TLS library's error codes, in plain words. Other codes are shown unchanged. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the other side closed the connection',
  EPIPE: 'the other side closed the connection',
  UND_ERR_SOCKET: 'the other side closed the connection',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up just now',
  ETIMEDOUT: 'no answer from the network',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_ABORTED: 'a proxy on the way refused it',
  UND_ERR_PRX_TLS: 'the TLS connection to the proxy failed',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  EADDRNOTAVAIL: 'no free local port',
  EMFILE: 'too many open files here',
  EPROTO: 'the TLS handshake failed; does the server expect http://?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not use TLS; does it expect http://?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server does not use TLS; does it expect http://?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; name it in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an unknown authority; name that in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an unknown authority; name that in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an unknown authority; name that in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate comes from an unknown authority; name that in NODE_EXTRA_CA_CERTS',
  HPE_INVALID_CONSTANT: 'the server does not use HTTP',
  HPE_INVALID_VERSION: 'the server does not use HTTP',
};

const knownCode =
  /^(E[A-Z]+|E[A-Z]+_[A-Z_]+|UND_ERR_\w+|ERR_(TLS|SSL)_\w+|HPE_\w+|Z_\w+|[A-Z]+_[A-Z_]*(CERT|SIGNATURE|CRL)[A-Z_]*|CERT_\w+)$/;

/** Why a connection failed: the code, and its meaning where we have words for it. null where no code is found. */
export function reasonOf(error: unknown): string | null {
  const code = systemCodeOf(error);
  if (code === null) return null;
  return reasons[code] ? `${code}: ${reasons[code]}` : code;
}

/** The system's code for a connection error, from any place in the chain of causes. */
export function systemCodeOf(error: unknown): string | null {
  for (let depth = 0, next = error; depth < 6 && typeof next === 'object' && next !== null; depth += 1) {
    const { name, code, cause, errors } = next as {
      name?: unknown;
      code?: unknown;
      cause?: unknown;
      errors?: unknown[];
    };
    if (name === 'HTTPParserError' && code === undefined) return 'HPE_INVALID_CONSTANT'; // undici loses the code on a first byte
    if (typeof code === 'string' && knownCode.test(code)) return code;
    next = cause ?? errors?.[0];
  }
  return null;
}
