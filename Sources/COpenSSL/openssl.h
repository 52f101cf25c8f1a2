/// OpenSSL 3.0, with what it gives as macros and callbacks in a form that Swift takes.
#ifndef VOLLEY_OPENSSL_H
#define VOLLEY_OPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/// Bytes that sessions have for their peers, one session after the other.
typedef struct volley_tls_output {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} volley_tls_output;

/// What stands in a session's place of a socket: bytes from the peer that it has not read yet, which belong to whoever put
/// them there, and where it writes to.
typedef struct volley_tls_pipe {
  const uint8_t *input;
  size_t input_count;
  volley_tls_output *output;
} volley_tls_pipe;

static inline int volley_tls_pipe_read(BIO *bio, char *into, int count) {
  volley_tls_pipe *pipe = (volley_tls_pipe *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (pipe->input_count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t part = (size_t)count < pipe->input_count ? (size_t)count : pipe->input_count;
  memcpy(into, pipe->input, part);
  pipe->input += part;
  pipe->input_count -= part;
  return (int)part;
}

static inline int volley_tls_pipe_write(BIO *bio, const char *from, int count) {
  volley_tls_output *output = ((volley_tls_pipe *)BIO_get_data(bio))->output;
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (output->capacity - output->count < (size_t)count) {
    size_t capacity = (output->count + (size_t)count) * 2;
    uint8_t *bytes = (uint8_t *)realloc(output->bytes, capacity);
    if (!bytes) return -1;
    output->bytes = bytes;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, from, (size_t)count);
  output->count += (size_t)count;
  return count;
}

static inline long volley_tls_pipe_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static inline int volley_tls_pipe_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

/// The kind of such a BIO; made once, never freed.
static inline BIO_METHOD *volley_tls_pipe_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "volley pipe");
  if (!method) return NULL;
  BIO_meth_set_read(method, volley_tls_pipe_read);
  BIO_meth_set_write(method, volley_tls_pipe_write);
  BIO_meth_set_ctrl(method, volley_tls_pipe_control);
  BIO_meth_set_create(method, volley_tls_pipe_create);
  return method;
}

/// Protocols in the form of RFC 7301, section 3.1, best first. Lives as long as the context that it is given to.
typedef struct volley_tls_protocols {
  uint8_t *bytes;
  unsigned count;
} volley_tls_protocols;

static inline int volley_tls_select(
    SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered, unsigned count, void *argument) {
  (void)ssl;
  const volley_tls_protocols *ours = (const volley_tls_protocols *)argument;
  unsigned char *found = NULL;
  if (SSL_select_next_proto(&found, length, ours->bytes, ours->count, offered, count) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/// A server: chooses the first of its protocols that the client offers, and refuses clients that offer none of them.
static inline void volley_tls_choose_protocol(SSL_CTX *context, volley_tls_protocols *protocols) {
  SSL_CTX_set_alpn_select_cb(context, volley_tls_select, protocols);
}

static inline int volley_tls_no_password(char *into, int size, int writes, void *argument) {
  (void)into, (void)size, (void)writes, (void)argument;
  return -1;
}

/// A private key in PEM, NULL when there is none or it is behind a password.
static inline EVP_PKEY *volley_tls_read_key(BIO *bio) { return PEM_read_bio_PrivateKey(bio, NULL, volley_tls_no_password, NULL); }

/// The next certificate in PEM, NULL behind the last one.
static inline X509 *volley_tls_read_certificate(BIO *bio) { return PEM_read_bio_X509(bio, NULL, volley_tls_no_password, NULL); }

static inline int volley_tls_least_version(SSL_CTX *context, int version) { return SSL_CTX_set_min_proto_version(context, version); }

/// Nothing is renegotiated or compressed, a server's order of ciphers counts, and idle sessions keep no buffers.
static inline void volley_tls_restrict(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

/// Adds an intermediate certificate; takes a reference of its own.
static inline int volley_tls_add_chain(SSL_CTX *context, X509 *certificate) { return (int)SSL_CTX_add1_chain_cert(context, certificate); }

/// The name that a client asks for (RFC 6066, section 3).
static inline int volley_tls_ask_for(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

/// Names of a certificate, NULL when it has none; freed with `volley_tls_free_names`.
static inline GENERAL_NAMES *volley_tls_names(const X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline int volley_tls_name_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

/// Name `index`: its type (GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD), and where its bytes are; -1 for another type.
static inline int volley_tls_name(const GENERAL_NAMES *names, int index, const uint8_t **bytes, int *count) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  const ASN1_STRING *text = NULL;
  if (name->type == GEN_DNS) text = name->d.dNSName;
  if (name->type == GEN_URI) text = name->d.uniformResourceIdentifier;
  if (name->type == GEN_EMAIL) text = name->d.rfc822Name;
  if (name->type == GEN_IPADD) text = name->d.iPAddress;
  if (!text) return -1;
  *bytes = ASN1_STRING_get0_data(text);
  *count = ASN1_STRING_length(text);
  return name->type;
}

/// Writes a name after RFC 2253, UTF-8 as it is. Returns a negative number when that failed.
static inline int volley_tls_print_name(BIO *bio, const X509_NAME *name) {
  return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}

static inline void volley_tls_free_names(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

#endif
