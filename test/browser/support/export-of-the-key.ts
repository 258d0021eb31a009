/**
 * The error when a script tries to export the key of the proofs. Runs in the page, so it refers to nothing
 * outside itself.
 */
export function exportOfTheKey(): Promise<string> {
  return new Promise((done, failed) => {
    const opening = indexedDB.open('nestjs-silent-auth-key');
    opening.onerror = failed;
    opening.onsuccess = () => {
      const reading = opening.result.transaction('records').objectStore('records').get('key');
      reading.onerror = failed;
      reading.onsuccess = () => {
        const { privateKey } = reading.result as CryptoKeyPair;
        opening.result.close();
        crypto.subtle.exportKey('jwk', privateKey).then(
          () => done('exported'),
          (error: Error) => done(error.name),
        );
      };
    };
  });
}
