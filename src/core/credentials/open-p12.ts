import forge from 'node-forge';

/**
 * Certificate and key of a PKCS #12 file as PEM; null when it is damaged, the passphrase is wrong or one of them is
 * missing. Apple's Keychain writes them with RC2, which Node's OpenSSL does not read any more.
 */
export function openP12(
  file: Uint8Array,
  passphrase: string,
): { readonly certificate: string; readonly privateKey: string } | null {
  try {
    const asn1 = forge.asn1.fromDer(Buffer.from(file).toString('binary'));
    const p12 = forge.pkcs12.pkcs12FromAsn1(asn1, passphrase);
    const { pkcs8ShroudedKeyBag, keyBag, certBag } = forge.pki.oids as Record<string, string>;
    const bagsOf = (type: string | undefined) => (type && p12.getBags({ bagType: type })[type]) || [];
    const key = [...bagsOf(pkcs8ShroudedKeyBag), ...bagsOf(keyBag)].find((bag) => bag.key)?.key;
    const certificates = bagsOf(certBag).flatMap((bag) => (bag.cert ? [bag.cert] : []));
    if (!key) return null;
    // The leaf is the one whose key it is; what issued it may be in the file as well.
    const publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
    const isLeaf = ({ publicKey: own }: forge.pki.Certificate): boolean =>
      (own as forge.pki.rsa.PublicKey).n.equals(publicKey.n);
    const leaf = certificates.find(isLeaf);
    if (!leaf) return null;
    const chain = [leaf, ...certificates.filter((certificate) => certificate !== leaf)];
    const info = forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key));
    return {
      certificate: chain.map((certificate) => forge.pki.certificateToPem(certificate)).join(''),
      privateKey: forge.pki.privateKeyInfoToPem(info),
    };
  } catch {
    // The library's words may quote what is in the file.
    return null;
  }
}
