/**
 * auth/certificate-names - whom a client certificate names, for EXTERNAL: the one mail address among its alternative
 * names (RFC 5280 §4.2.1.6, rfc822Name). With none or with several it names nobody: we do not guess.
 */
import { X509Certificate } from 'node:crypto';
import { parseAddress } from '../mail/address.ts';
import type { CertificateNames } from './options.ts';

export const mailAddressInCertificate: CertificateNames = {
  nameIn(certificate) {
    const all = new X509Certificate(certificate).subjectAltName ?? '';
    // Node puts a name with a comma or the like in quotes: nothing that we could mistake for several names.
    const names = all.includes('"') ? [] : all.split(', ');
    const addresses = names.flatMap((name) => {
      const address = name.startsWith('email:') ? parseAddress(name.slice(6)) : undefined;
      return address ? [address.text] : [];
    });
    return addresses.length === 1 ? addresses[0] : undefined;
  },
};
