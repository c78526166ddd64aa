/** The package's, by which the files of one release know each other. A test holds it to `package.json`. */
export const VERSION = '0.2.0';
