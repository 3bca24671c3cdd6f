/** That of package.json, which a bundled application no longer has. */
export const KYU_VERSION = '0.1.0';
