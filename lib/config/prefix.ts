export const PREFIX = 'ASSAY_';
