//! Files and checksums.

use bytes::{Bytes, BytesMut};
use mconn::sliding_window::legacy::{BigFile, BigFileHeader};

use super::support::{bytes, number, text};
use super::{check_encoding, data, integer, rows, time};

#[test]
fn every_file_is_written_and_read_as_the_original_does() {
    for row in rows("bigfile", 7) {
        let file = BigFile {
            path: Bytes::copy_from_slice(text(&row, "Filepath").as_bytes()),
            size: integer(&row, "SizeInBytes"),
            checksum: Bytes::from(bytes(&row, "Blake2b")),
            sent_at: time(&row, "SendTime"),
            data: Bytes::from(data(&row["Data"])),
        };
        let mut wire = BytesMut::new();
        file.encode(&mut wire).unwrap();
        check_encoding(&row, &wire);
        assert_eq!(file.encoded_len(), wire.len());
        let (header, header_len) = BigFileHeader::decode(&wire, 4096).unwrap().unwrap();
        assert_eq!(wire[header_len..], file.data[..]);
        assert_eq!(header.size as usize, number(&row, "n"));
        let mut again = BytesMut::new();
        header.encode(&mut again).unwrap();
        assert_eq!(again, wire[..header_len]);
        #[cfg(feature = "legacy")]
        {
            assert_eq!(file.check(), Ok(()));
            assert_eq!(BigFile::new(file.path.clone(), file.sent_at, file.data.clone()), file);
        }
        assert_eq!(BigFile::decode_bytes(&wire.freeze()), Ok((file, Bytes::new())));
    }
}

#[cfg(feature = "legacy")]
#[test]
fn checksums() {
    use mconn::sliding_window::legacy::{Checksum, checksum};

    for row in rows("blake2b", 13) {
        assert_eq!(text(&row, "input"), "byte i = i mod 251");
        let data = super::pattern(number(&row, "len"));
        let expected = bytes(&row, "blake2b512");
        assert_eq!(checksum(&data)[..], expected);
        let mut pieces = Checksum::new();
        data.chunks(1000).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.finish()[..], expected);
    }
}
