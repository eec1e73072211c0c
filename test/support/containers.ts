import { GenericContainer } from 'testcontainers';

/** Containers as a cluster runs them: the root is read-only, and they have no rights and can gain none. */
export class Hardened extends GenericContainer {
  /** `folders` can be written, and are gone with the container. */
  constructor(image: string, folders: readonly string[] = ['/data', '/tmp']) {
    super(image);
    Object.assign(this.hostConfig, { ReadonlyRootfs: true, CapDrop: ['ALL'] });
    this.withSecurityOpt('no-new-privileges');
    this.withTmpFs(Object.fromEntries(folders.map((folder) => [folder, 'rw,mode=1777'])));
  }
}
